using System.Text.RegularExpressions;

namespace DbAccess.Deploy.Tests;

/// <summary>
/// What the roles of deploy/terraform allow is what the source calls: for each role, each action on each kind of resource; nothing that is not called, and
/// nothing called that is not allowed.
/// </summary>
public sealed partial class PermissionTests
{
    private const string Web = "web";
    private const string Function = "function";

    // Calls of AWS in the source, as they look there, and what each of them needs. A transaction needs the actions of what is in it.
    private static readonly (string Looks, string Needs, string On, string[] By)[] Calls =
    [
        (@"\bclient\.DescribeTableAsync\(", "dynamodb:DescribeTable", "table", [Web, Function]),
        (@"\bclient\.GetItemAsync\(", "dynamodb:GetItem", "table", [Web, Function]),
        (@"\bclient\.BatchGetItemAsync\(", "dynamodb:BatchGetItem", "table", [Web, Function]),
        (@"\bQueryRequest( \w+\([^)]*\) => new\(\))?\s*\{(?![^}]*\bIndexName\b)", "dynamodb:Query", "table", [Web, Function]),
        (@"\bQueryRequest( \w+\([^)]*\) => new\(\))?\s*\{[^}]*\bIndexName\b", "dynamodb:Query", "index", [Web, Function]),
        (@"\bScanRequest\s*\{(?![^}]*\bIndexName\b)", "dynamodb:Scan", "table", [Web, Function]),
        (@"\bScanRequest\s*\{[^}]*\bIndexName\b", "dynamodb:Scan", "index", [Web, Function]),
        (@"\bclient\.PutItemAsync\(|\bPut = |\bnew Put\b", "dynamodb:PutItem", "table", [Web, Function]),
        (@"\bclient\.UpdateItemAsync\(|\bUpdate = new|\bnew Update\b", "dynamodb:UpdateItem", "table", [Web, Function]),
        // Requests that were carried out leave the inbox; the functions have none.
        (@"\bclient\.DeleteItemAsync\(|\bDelete = new|\bnew Delete\b", "dynamodb:DeleteItem", "table", [Web]),
        (@"\bConditionCheck\b", "dynamodb:ConditionCheckItem", "table", [Web, Function]),
        (@"""Credentials:S3:Prefix""", "s3:GetObject", "bucket/credentials/*", [Web, Function]),
        (@"""Policy:Path""", "s3:GetObject", "bucket/policy/*", [Web, Function]),
        (@"RequiredSecret\(""Slack:BotToken""\)", "s3:GetObject", "bucket/slack/bot-token", [Web, Function]),
        (@"RequiredSecrets\(""Slack:SigningSecrets""\)", "s3:GetObject", "bucket/slack/signing-secret*", [Web]),
        (@"""Grants:SealKey""", "s3:GetObject", "bucket/seal/key", [Web, Function]),
        // Made by the first start; whoever files requests seals them.
        (@"\bclient\.PutObjectAsync\(", "s3:PutObject", "bucket/seal/key", [Web]),
        (@"\bclient\.GenerateMacAsync\(", "kms:GenerateMac", "key of the seals", [Web, Function]),
        // To be told of an object that is missing.
        (@"\bclient\.GetObjectAsync\(", "s3:ListBucket", "bucket", [Web, Function]),
        (@"\bclient\.GetObjectMetadataAsync\(", "s3:ListBucket", "bucket of exports", [Web, Function]),
        (@"\bclient\.GetPublicKeyAsync\(", "kms:GetPublicKey", "key of the log", [Web, Function]),
        (@"\bclient\.SignAsync\(", "kms:Sign", "key of the log", [Web, Function]),
        // A file that is there already is compared; parts of one are dropped when it does not come to its end.
        (@"""Audit:Export""", "s3:PutObject", "exports", [Web, Function]),
        (@"""Audit:Export""", "s3:GetObject", "exports", [Web, Function]),
        (@"\bclient\.AbortMultipartUploadAsync\(", "s3:AbortMultipartUpload", "exports", [Web, Function]),
        (@"/2015-03-31/functions/", "lambda:InvokeFunction", "create-db-user", [Web]),
    ];

    // Calls whose needs stand above under another look.
    private static readonly string[] Known = ["Query", "Scan", "TransactWriteItems", "InitiateMultipartUpload", "UploadPart", "CompleteMultipartUpload"];

    // Made by 'store init' with an administrator's credentials where Terraform did not, or by whoever verifies an export with their own: no role of ours may.
    private static readonly string[] ByHand = ["ListObjectsV2", "CreateTable", "DescribeTimeToLive", "UpdateTimeToLive", "UpdateContinuousBackups"];

    // What AWS itself does with these roles, or needs beside a call.
    private static readonly (string[] Actions, string On, string[] By)[] ByThePlatform =
    [
        // DynamoDB and S3, with the caller's right to the key.
        (["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"], "key via dynamodb", [Web, Function]),
        (["kms:Decrypt"], "key via s3", [Web, Function]),
        (["kms:GenerateDataKey*"], "key via s3", [Web]),
        // Lambda: the function's environment, its log, an event that is given up on, and its place in a VPC.
        (["kms:Decrypt"], "key of the environment", [Function]),
        (["logs:CreateLogStream", "logs:PutLogEvents"], "log", [Function, "start"]),
        (["sqs:SendMessage"], "dead letters", [Function]),
        (
            ["ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses"],
            "*", [Function]),
        // ECS, to pull the image.
        (["ecr:GetAuthorizationToken"], "*", ["start"]),
        (["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], "image", ["start"]),
    ];

    private static readonly string Roles = Checkout.Read("deploy", "terraform", "roles.tf");

    private static string Source { get; } = string.Join('\n', Directory.EnumerateFiles(Path.Combine(Checkout.Root, "src"), "*.cs", SearchOption.AllDirectories)
        .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal)).Select(File.ReadAllText));

    [Theory]
    [InlineData(Web)]
    [InlineData(Function)]
    [InlineData("start")]
    public void A_role_may_do_what_is_done_with_it_and_nothing_else(string role)
    {
        var called = Calls.Where(call => call.By.Contains(role, StringComparer.Ordinal) && Regex.IsMatch(Source, call.Looks, RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(5)))
            .Select(call => $"{call.Needs} on {call.On}");
        var platform = ByThePlatform.Where(need => need.By.Contains(role, StringComparer.Ordinal)).SelectMany(need => need.Actions.Select(action => $"{action} on {need.On}"));

        Assert.Equal(called.Concat(platform).Order(StringComparer.Ordinal), Allowed(role).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_document_belongs_to_a_role()
    {
        var attached = Attachments().Matches(Roles).Select(match => match.Groups["document"].Value).Append("assume").Append("work");

        Assert.Equal(Documents().Keys.Order(StringComparer.Ordinal), attached.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_call_of_the_SDK_in_the_source_is_one_that_this_test_knows()
    {
        var unknown = SdkCall().Matches(Source).Select(match => match.Groups["call"].Value).Distinct(StringComparer.Ordinal)
            .Where(call => !ByHand.Concat(Known).Contains(call, StringComparer.Ordinal) && !Calls.Any(known => known.Looks.Contains($".{call}Async", StringComparison.Ordinal)));

        Assert.Empty(unknown);
    }

    [Fact]
    public void Only_the_inbox_deletes_and_a_repair_that_no_role_of_the_product_may()
    {
        var deletes = Directory.EnumerateFiles(Path.Combine(Checkout.Root, "src", "Infrastructure", "DynamoDb"), "*.cs").Where(file => File.ReadAllText(file).Contains(".TryDeleteAsync(", StringComparison.Ordinal)).Select(Path.GetFileName).Order(StringComparer.Ordinal);

        // The log's batches, by `audit repair`: whoever does it brings the right, which the document below denies.
        Assert.Equal(["DynamoEvidenceLog.cs", "DynamoInbox.cs"], deletes);
    }

    [Fact]
    public void What_a_setting_says_is_in_the_bucket_may_be_read_by_whoever_has_the_setting()
    {
        var web = Checkout.Read("deploy", "terraform", "web.tf");
        var common = InBucket().Matches(web.Split("web_settings")[0]).Select(match => match.Groups["key"].Value).ToList();
        var all = InBucket().Matches(web).Select(match => match.Groups["key"].Value).ToList();

        Assert.NotEmpty(common);
        Assert.All(common, key => Assert.True(MayRead(Function, key), key));
        Assert.All(all, key => Assert.True(MayRead(Web, key), key));
        Assert.All(all.Except(common, StringComparer.Ordinal), key => Assert.False(MayRead(Function, key), key));

        static bool MayRead(string role, string key) => Allowed(role).Any(allowed =>
            Regex.IsMatch($"s3:GetObject on bucket/{key}", $"^{Regex.Escape(allowed).Replace(@"\*", ".*", StringComparison.Ordinal)}$", RegexOptions.None, TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public void Being_told_of_a_missing_object_does_not_hang_on_a_prefix_that_the_question_for_an_object_never_names()
    {
        var listing = StatementBlock().Matches(Roles).Select(match => match.Groups["body"].Value).Where(body => body.Contains("s3:ListBucket", StringComparison.Ordinal));

        Assert.DoesNotContain("condition {", Assert.Single(listing), StringComparison.Ordinal);
    }

    [Fact]
    public void A_restored_table_may_be_used_as_the_table_itself()
    {
        var table = Checkout.Read("deploy", "terraform", "table.tf");

        Assert.Matches(@"tables\s+= concat\(\[aws_dynamodb_table\.grants\.arn\], local\.restored\)", table);
        Assert.Matches(@"all_indexes\s+= \[for table in local\.tables : ""\$\{table\}/index/\*""\]", table);
        Assert.Matches(@"restored\s+= var\.restored_table == null \? \[\] : \[""arn:.*:table/\$\{var\.restored_table\}""\]", table);
        Assert.DoesNotContain("aws_dynamodb_table", Roles, StringComparison.Ordinal);
    }

    [Fact]
    public void An_image_is_taken_from_the_one_repository_that_it_is_in()
    {
        Assert.Contains("\"arn:${local.partition}:ecr:${local.image.region}:${local.image.account}:repository/${local.image.repository}\"", Roles, StringComparison.Ordinal);
    }

    /// <summary>Both sides work with this document; the key is the one that the source writes under.</summary>
    [Fact]
    public void Nobody_changes_or_deletes_what_is_on_record()
    {
        var body = DocumentBlock().Matches(Roles).Single(match => match.Groups["name"].Value == "work").Groups["body"].Value;
        var denied = StatementBlock().Matches(body).Where(statement => statement.Value.Contains("\"Deny\"", StringComparison.Ordinal)).Select(statement => statement.Value).ToList();

        Assert.Equal(2, denied.Count);
        Assert.All(denied, statement => Assert.Contains("\"dynamodb:LeadingKeys\"", statement, StringComparison.Ordinal));
        Assert.Equal(["dynamodb:DeleteItem", "dynamodb:UpdateItem"], Statement.Read(denied[0]).Actions);
        Assert.Contains("$\"JOURNAL#{", Checkout.Read("src/Infrastructure/DynamoDb/DynamoJournal.cs"), StringComparison.Ordinal);
        Assert.Contains("values   = [\"AUDIT\", \"JOURNAL#*\", \"TEXT\"]", denied[0], StringComparison.Ordinal);
        Assert.Equal(["dynamodb:DeleteItem"], Statement.Read(denied[1]).Actions);
        var log = Regex.Match(Checkout.Read("src/Infrastructure/DynamoDb/DynamoEvidenceLog.cs"), "const string LogPk = (?<key>\"[A-Z]+\")").Groups["key"].Value;
        Assert.Contains($"values   = [{log}]", denied[1], StringComparison.Ordinal);
        Assert.All((string[])[Web, Function], role => Assert.Contains(Attachments().Matches(Roles), match => match.Groups["role"].Value == role && Documents()[match.Groups["document"].Value].Sources.Append(match.Groups["document"].Value).Contains("work")));
    }

    /// <summary>Whatever the roles of others allow; scripts/test-terraform looks at what is made of it.</summary>
    [Fact]
    public void Every_key_and_every_bucket_with_something_to_hide_names_the_roles_it_is_for()
    {
        var all = string.Join('\n', Directory.EnumerateFiles(Path.Combine(Checkout.Root, "deploy", "terraform"), "*.tf").Order(StringComparer.Ordinal).Select(File.ReadAllText));
        var policies = KeyPolicy().Matches(all).Select(match => match.Groups["document"].Value).Concat(["bucket", "evidence"]).ToList();

        Assert.Equal(["bucket", "evidence", "key", "own_key", "own_key"], policies.Order(StringComparer.Ordinal));
        Assert.All(policies, name => Assert.Contains(
            StatementBlock().Matches(DocumentBlock().Matches(all).Single(match => match.Groups["name"].Value == name).Groups["body"].Value),
            statement => statement.Value.Contains("\"Deny\"", StringComparison.Ordinal) && NamesRoles().IsMatch(statement.Value)));
    }

    [Fact]
    public void No_role_may_do_everything_of_a_service()
    {
        var allows = Documents().Values.SelectMany(document => document.Statements).Where(statement => !statement.Denies).SelectMany(statement => statement.Actions);

        Assert.DoesNotContain(allows, action => action is "*" || action.EndsWith(":*", StringComparison.Ordinal));
    }

    /// <summary>Each action with the kind of resource that it is allowed on.</summary>
    private static IEnumerable<string> Allowed(string role)
    {
        var documents = Documents();
        return Attachments().Matches(Roles).Where(match => match.Groups["role"].Value == role).Select(match => match.Groups["document"].Value)
            .SelectMany(name => documents[name].Sources.Append(name)).SelectMany(name => documents[name].Statements).Where(statement => !statement.Denies)
            .SelectMany(statement => statement.Actions.SelectMany(action => statement.On.Select(on => $"{action} on {on}")));
    }

    private static Dictionary<string, Document> Documents() => DocumentBlock().Matches(Roles).ToDictionary(
        match => match.Groups["name"].Value,
        match => new Document(
            [.. SourceDocument().Matches(match.Groups["body"].Value).Select(source => source.Groups["name"].Value)],
            [.. StatementBlock().Matches(match.Groups["body"].Value).Select(statement => Statement.Read(statement.Groups["body"].Value))]),
        StringComparer.Ordinal);

    private static string KindOf(string resource, string statement) => resource switch
    {
        "local.tables" => "table",
        "local.all_indexes" => "index",
        "aws_s3_bucket.this.arn" => "bucket",
        "aws_s3_bucket.evidence.arn" => "bucket of exports",
        "aws_kms_key.log.arn" => "key of the log",
        "aws_kms_key.seal[0].arn" => "key of the seals",
        "\"${aws_s3_bucket.evidence.arn}/${var.installation}/*\"" => "exports",
        "local.repository_arn" => "image",
        "\"*\"" => "*",
        "aws_kms_key.this.arn" when statement.Contains("kms:EncryptionContext:aws:lambda:FunctionArn", StringComparison.Ordinal) => "key of the environment",
        "aws_kms_key.this.arn" when ViaService().Match(statement) is { Success: true } via => $"key via {via.Groups["service"].Value}",
        "aws_sqs_queue.dead[each.key].arn" => "dead letters",
        _ when resource.StartsWith("\"${aws_s3_bucket.this.arn}/", StringComparison.Ordinal) => $"bucket/{resource.Split('/', 2)[1].TrimEnd('"')}",
        _ when resource.StartsWith("\"${aws_cloudwatch_log_group.", StringComparison.Ordinal) => "log",
        _ when resource.Contains(":function:${local.functions[\"create-db-user\"]}", StringComparison.Ordinal) => "create-db-user",
        _ => throw new InvalidOperationException($"roles.tf has a resource that this test does not know: {resource}"),
    };

    private sealed record Document(IReadOnlyList<string> Sources, IReadOnlyList<Statement> Statements);

    private sealed record Statement(bool Denies, IReadOnlyList<string> Actions, IReadOnlyList<string> On)
    {
        public static Statement Read(string body)
        {
            var resources = Resources().Match(body) is { Success: true } match ? match.Groups["list"].Value : "";
            return new Statement(
                body.Contains("\"Deny\"", StringComparison.Ordinal),
                [.. Quoted().Matches(ActionList().Match(body).Groups["list"].Value).Select(action => action.Groups["text"].Value)],
                [.. resources.TrimStart('[').TrimEnd(']').Split(", ", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(resource => KindOf(resource, body))]);
        }
    }

    [GeneratedRegex(@"^resource ""aws_kms_key"" ""\w+"" \{\n.*?^  policy\s*= data\.aws_iam_policy_document\.(?<document>\w+)(\[""\w+""\])?\.json\n.*?^\}", RegexOptions.ExplicitCapture | RegexOptions.Singleline | RegexOptions.Multiline, 5000)]
    private static partial Regex KeyPolicy();

    [GeneratedRegex(@"test\s*= ""ArnNotEquals""\s*variable = ""aws:PrincipalArn""\s*values\s*= (concat\()?local\.product_roles", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex NamesRoles();

    // The adapters call their SDK clients 'client'.
    [GeneratedRegex(@"\bclient\.(?<call>[A-Z][A-Za-z]+)Async\(", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex SdkCall();

    [GeneratedRegex(@"^data ""aws_iam_policy_document"" ""(?<name>\w+)"" \{\n(?<body>.*?)^\}", RegexOptions.ExplicitCapture | RegexOptions.Singleline | RegexOptions.Multiline, 5000)]
    private static partial Regex DocumentBlock();

    [GeneratedRegex(@"^  statement \{\n(?<body>.*?)^  \}", RegexOptions.ExplicitCapture | RegexOptions.Singleline | RegexOptions.Multiline, 5000)]
    private static partial Regex StatementBlock();

    [GeneratedRegex(@"source_policy_documents\s*= \[data\.aws_iam_policy_document\.(?<name>\w+)\.json\]", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex SourceDocument();

    [GeneratedRegex(@"^\s*role\s*= aws_iam_role\.(?<role>\w+)(\[each\.key\])?\.id\n\s*policy\s*= data\.aws_iam_policy_document\.(?<document>\w+)", RegexOptions.ExplicitCapture | RegexOptions.Multiline, 5000)]
    private static partial Regex Attachments();

    [GeneratedRegex(@"^\s*actions\s*= \[(?<list>[^\]]*)\]", RegexOptions.ExplicitCapture | RegexOptions.Multiline, 5000)]
    private static partial Regex ActionList();

    [GeneratedRegex(@"^\s*resources\s*= (?<list>.*)$", RegexOptions.ExplicitCapture | RegexOptions.Multiline, 5000)]
    private static partial Regex Resources();

    [GeneratedRegex("\"(?<text>[^\"]+)\"", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Quoted();

    [GeneratedRegex(@"""kms:ViaService""\s*values\s*= \[""(?<service>[a-z0-9]+)\.[^"",]*""\]", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex ViaService();

    [GeneratedRegex(@"""s3://\$\{aws_s3_bucket\.this\.bucket\}/(?<key>[^""]+)""", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex InBucket();
}
