using System.Text.RegularExpressions;

namespace DbAccess.Deploy.Tests;

/// <summary>What the roles of deploy/terraform allow is what the source calls: nothing that is not called, and nothing called that is not allowed.</summary>
public sealed partial class PermissionTests
{
    // Calls of AWS in the source, as they look there, and what each of them needs. A transaction needs the actions of what is in it.
    private static readonly (string Looks, string[] Needs)[] Calls =
    [
        (@"\bclient\.DescribeTableAsync\(", ["dynamodb:DescribeTable"]),
        (@"\bclient\.GetItemAsync\(", ["dynamodb:GetItem"]),
        (@"\bclient\.BatchGetItemAsync\(", ["dynamodb:BatchGetItem"]),
        (@"\bclient\.QueryAsync\(", ["dynamodb:Query"]),
        (@"\bclient\.ScanAsync\(", ["dynamodb:Scan"]),
        (@"\bclient\.PutItemAsync\(", ["dynamodb:PutItem"]),
        (@"\bclient\.UpdateItemAsync\(", ["dynamodb:UpdateItem"]),
        (@"\bclient\.DeleteItemAsync\(", ["dynamodb:DeleteItem"]),
        (@"\bclient\.TransactWriteItemsAsync\(", []),
        (@"\bPut = |\bnew Put\b", ["dynamodb:PutItem"]),
        (@"\bUpdate = new|\bnew Update\b", ["dynamodb:UpdateItem"]),
        (@"\bDelete = new|\bnew Delete\b", ["dynamodb:DeleteItem"]),
        (@"\bConditionCheck\b", ["dynamodb:ConditionCheckItem"]),
        (@"\bclient\.GetObjectAsync\(", ["s3:GetObject", "s3:ListBucket"]),
        (@"/2015-03-31/functions/", ["lambda:InvokeFunction"]),
    ];

    // Made by 'store init' with an administrator's credentials where Terraform did not: no role of ours may.
    private static readonly string[] ByHand = ["CreateTable", "DescribeTimeToLive", "UpdateTimeToLive", "UpdateContinuousBackups"];

    // What AWS itself does with these roles, or needs beside a call: each with who does it.
    private static readonly Dictionary<string, string> ByThePlatform = new(StringComparer.Ordinal)
    {
        ["kms:Decrypt"] = "DynamoDB, S3 and Lambda, with the caller's right to the key",
        ["kms:DescribeKey"] = "DynamoDB",
        ["kms:Encrypt"] = "DynamoDB",
        ["kms:GenerateDataKey*"] = "DynamoDB",
        ["kms:ReEncrypt*"] = "DynamoDB",
        ["logs:CreateLogStream"] = "Lambda, and ECS's log driver",
        ["logs:PutLogEvents"] = "Lambda, and ECS's log driver",
        ["sqs:SendMessage"] = "Lambda, for an event that is given up on",
        ["ecr:GetAuthorizationToken"] = "ECS, to pull the image",
        ["ecr:BatchCheckLayerAvailability"] = "ECS, to pull the image",
        ["ecr:BatchGetImage"] = "ECS, to pull the image",
        ["ecr:GetDownloadUrlForLayer"] = "ECS, to pull the image",
        ["secretsmanager:GetSecretValue"] = "ECS, to start a copy",
        ["ec2:AssignPrivateIpAddresses"] = "Lambda, for a function in a VPC",
        ["ec2:CreateNetworkInterface"] = "Lambda, for a function in a VPC",
        ["ec2:DeleteNetworkInterface"] = "Lambda, for a function in a VPC",
        ["ec2:DescribeNetworkInterfaces"] = "Lambda, for a function in a VPC",
        ["ec2:DescribeSubnets"] = "Lambda, for a function in a VPC",
        ["ec2:UnassignPrivateIpAddresses"] = "Lambda, for a function in a VPC",
        // Trust and denial, not permission.
        ["sts:AssumeRole"] = "the services named in the roles' trust",
        ["ec2:*"] = "denied to the functions themselves",
    };

    private static readonly string Root = FindRoot();

    private static string Source { get; } = string.Join('\n', Directory.EnumerateFiles(Path.Combine(Root, "src"), "*.cs", SearchOption.AllDirectories)
        .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal)).Select(File.ReadAllText));

    private static SortedSet<string> Allowed { get; } = new(
        Actions().Matches(File.ReadAllText(Path.Combine(Root, "deploy", "terraform", "roles.tf"))).SelectMany(list => Action().Matches(list.Value)).Select(match => match.Groups["action"].Value), StringComparer.Ordinal);

    private static SortedSet<string> Called { get; } = new(
        Calls.Where(call => Regex.IsMatch(Source, call.Looks, RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(5))).SelectMany(call => call.Needs), StringComparer.Ordinal);

    [Fact]
    public void What_the_source_calls_is_allowed()
    {
        Assert.NotEmpty(Called);
        Assert.Empty(Called.Except(Allowed));
    }

    [Fact]
    public void What_is_allowed_is_called_or_is_the_platforms() => Assert.Empty(Allowed.Except(Called).Except(ByThePlatform.Keys));

    [Fact]
    public void What_the_platform_does_is_allowed() => Assert.Empty(ByThePlatform.Keys.Except(Allowed));

    [Fact]
    public void Every_call_of_the_SDK_in_the_source_is_one_that_this_test_knows()
    {
        var unknown = SdkCall().Matches(Source).Select(match => match.Groups["call"].Value).Distinct(StringComparer.Ordinal)
            .Where(call => !ByHand.Contains(call, StringComparer.Ordinal) && !Calls.Any(known => known.Looks.Contains($".{call}Async", StringComparison.Ordinal)));

        Assert.Empty(unknown);
    }

    [Fact]
    public void No_role_may_do_everything_of_a_service()
    {
        var text = File.ReadAllText(Path.Combine(Root, "deploy", "terraform", "roles.tf"));
        var allows = text.Split("statement {").Skip(1).Where(statement => !statement.Contains("\"Deny\"", StringComparison.Ordinal)).Select(statement => statement.Split("resources")[0]);

        Assert.DoesNotContain(allows, statement => WholeService().IsMatch(statement));
    }

    [GeneratedRegex("\"(?<action>[a-z0-9-]+:[A-Za-z*]+)\"", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Action();

    [GeneratedRegex(@"\bactions\s*=\s*\[[^\]]*\]", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Actions();

    // The adapters call their SDK clients 'client'.
    [GeneratedRegex(@"\bclient\.(?<call>[A-Z][A-Za-z]+)Async\(", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex SdkCall();

    [GeneratedRegex("\"(\\*|[a-z0-9-]+:\\*)\"", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex WholeService();

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "DbAccess.sln"))) folder = folder.Parent;
        return folder?.FullName ?? throw new DirectoryNotFoundException("DbAccess.sln is in no folder above.");
    }
}
