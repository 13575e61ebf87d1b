using DbAccess.Application.Ports;
using DbAccess.Infrastructure.Postgres.Connections;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Making;

/// <summary>What a statement of a making is for, so that its failure can be told.</summary>
internal enum Step
{
    Fence,
    Create,
    Setting,
    Comment,
    Grant,
    ReadBack,
}

/// <summary>
/// Statements that go in one round trip and, since no Sync stands between them, in one transaction; knows which of them failed.
/// </summary>
internal sealed class StepBatch(ClusterConnection cluster)
{
    private const string Key = "dbaccess.step";

    private readonly List<Asked> _statements = [];
    private readonly List<Step> _steps = [];

    public void Add(Step step, string statement) => Add(step, new Asked(statement));

    /// <summary>Only reads.</summary>
    public void Ask(Step step, string statement, params Given[] values) => Add(step, Asked.Reading(statement, values));

    public void Add(Step step, Asked statement)
    {
        _statements.Add(statement);
        _steps.Add(step);
    }

    public void Fence(RoleOrder order) => Ask(Step.Fence, MakingStatements.Fence, order.NotAfter);

    /// <summary>Answers what the role turned out to be, if that was asked.</summary>
    public async Task<RoleReadBack?> ExecuteAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await cluster.BatchAsync(_statements, async reader =>
            {
                RoleReadBack? found = null;
                do
                {
                    // The fence answers one column, the statements none, the reading back what was made.
                    if (reader.FieldCount == RoleReadBack.Columns && await reader.ReadAsync(cancellationToken))
                        found = RoleReadBack.Read(reader);
                }
                while (await reader.NextResultAsync(cancellationToken));
                return found;
            }, cancellationToken);
        }
        catch (PostgresException refused) when (Asked.Culprit(refused) is { } index)
        {
            refused.Data[Key] = _steps[index];
            throw;
        }
    }

    /// <summary>Which of our statements failed. Null when the server did not say.</summary>
    public static Step? Culprit(PostgresException refused) => refused.Data[Key] as Step?;
}
