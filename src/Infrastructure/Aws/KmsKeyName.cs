using System.Text.RegularExpressions;

namespace DbAccess.Infrastructure.Aws;

/// <summary>How a key in KMS is named: by its id, its ARN or its alias (<c>alias/…</c>).</summary>
internal static partial class KmsKeyName
{
    public static bool IsOne(string text) => Shape().IsMatch(text);

    [GeneratedRegex("^(alias/[A-Za-z0-9/_-]+|arn:[a-z0-9-]+:kms:[a-z0-9-]+:[0-9]{12}:(key|alias)/[A-Za-z0-9/_-]+|[A-Za-z0-9-]{1,256})\\z",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Shape();
}
