using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Connections;

/// <summary>
/// Where a test plants a fault, a delay or a death between two statements: it is told of all that leaves for PostgreSQL before it does, and
/// again when the answer is there. What it throws, the caller gets as if the server or the wire had done it. Statements that go in one
/// round trip are one, since they reach the server together. They may hold a verifier: nothing of them is to be shown.
/// </summary>
internal sealed record StatementSeam(
    Func<NpgsqlConnection, IReadOnlyList<Asked>, CancellationToken, ValueTask> Before,
    Func<NpgsqlConnection, IReadOnlyList<Asked>, CancellationToken, ValueTask> After)
{
    /// <summary>Nobody listens, as in the running product.</summary>
    public static StatementSeam Closed { get; } = new(Nothing, Nothing);

    private static ValueTask Nothing(NpgsqlConnection connection, IReadOnlyList<Asked> statements, CancellationToken cancellationToken) =>
        ValueTask.CompletedTask;
}
