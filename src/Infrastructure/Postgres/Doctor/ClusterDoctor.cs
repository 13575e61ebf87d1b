using DbAccess.Application.Ports;
using DbAccess.Domain.Databases;
using DbAccess.Infrastructure.Postgres.Connections;
using Microsoft.Extensions.Logging;
using Npgsql;
using static DbAccess.Infrastructure.Postgres.Doctor.Checks;

namespace DbAccess.Infrastructure.Postgres.Doctor;

/// <summary>Examines a cluster over the same connections that make and remove roles, so that what works here works there.</summary>
internal sealed class ClusterDoctor(
    ClusterConnections connections, TimeProvider clock, ILogger<ClusterDoctor> logger, DoctorLimits limits) : IClusterDoctor
{
    private readonly ServerExamination _server = new(clock, limits);
    private readonly DatabaseExamination _database = new(connections, clock, logger, limits);

    public async Task<IReadOnlyList<Check>> ExamineAsync(
            ClusterName cluster, string installation, IReadOnlyList<DatabaseToExamine> databases, CancellationToken cancellationToken)
    {
        var checks = new List<Check>();
        try
        {
            // Given back before the next is asked for: see OpenAsync.
            await using var connection = await connections.OpenAsync(cluster, null, cancellationToken);
            checks.Add(Ok(cluster, "reachable", $"{connection.Credential.Host}:{connection.Credential.Port} answers."));
            await _server.ExamineAsync(cluster, installation, connection, checks, cancellationToken);
        }
        catch (Exception failure) when (failure is ClusterFault or NpgsqlException)
        {
            checks.Add(Fault(cluster, "reachable", failure, ""));
            // Nothing else can be told of a cluster that does not answer.
            return checks;
        }

        foreach (var database in databases)
        {
            foreach (var place in database.Target.All())
                await _database.ExamineAsync(cluster, installation, database, place, checks, cancellationToken);
        }
        await ReadersAsync(cluster, checks, cancellationToken);
        return checks;
    }

    private async Task ReadersAsync(ClusterName cluster, List<Check> checks, CancellationToken cancellationToken)
    {
        IReadOnlyList<string> readers;
        try
        {
            readers = (await connections.CredentialAsync(cluster, cancellationToken)).Readers;
        }
        catch (ClusterFault failure)
        {
            checks.Add(Fault(cluster, "readers", failure, ""));
            return;
        }

        foreach (var reader in readers)
        {
            try
            {
                await using var connection = await connections.OpenAsync(cluster, null, cancellationToken, reader);
                var (recovers, name, signal) = await connection.FirstAsync(
                    DoctorStatements.Recovery, [], row => (row.GetBoolean(0), row.GetString(1), row.GetBoolean(2)), cancellationToken);
                checks.Add(!signal
                    ? Bad(cluster, "reader", $"{reader}: {name} may not end sessions there.",
                    $"On the writer: GRANT pg_signal_backend TO {name};")
                    : recovers ? Ok(cluster, "reader", $"{reader} answers.")
                    : Warn(cluster, "reader", $"{reader} answers and is no reader: it takes writes.",
                        "List only readers under \"readers\" in the administrator credentials."));
            }
            catch (Exception failure) when (failure is ClusterFault or NpgsqlException)
            {
                logger.LogWarning("Reader {Reader} of {Cluster} does not answer", reader, cluster.Value);
                checks.Add(Bad(cluster, "reader",
                    $"{reader} does not answer: no removal can be proved while a role may have a session there. " +
                    $"{ClusterFault.From(failure, cluster, "").Error.Message}",
                    "Mend the reader, or take it out of \"readers\" in the administrator credentials."));
            }
        }
    }
}
