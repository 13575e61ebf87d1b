namespace DbAccess.Api.Commands;

/// <summary>What a verb ends with; part of the contract of the command line.</summary>
internal static class ExitCode
{
    public const int Success = 0;

    /// <summary>It did not work; the reason is on standard error.</summary>
    public const int Failure = 1;

    /// <summary>The call or the settings are wrong.</summary>
    public const int Misuse = 2;
}
