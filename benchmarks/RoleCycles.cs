using System.Diagnostics;
using System.Globalization;
using DbAccess.Application.Ports;
using DbAccess.Infrastructure.Postgres;
using DbAccess.Infrastructure.Postgres.Scopes;
using DbAccess.TestKit.Postgres;
using Npgsql;

namespace DbAccess.Benchmarks;

/// <summary>A role's whole life, some thousand times: made, logged in with, read with, removed. Afterwards the server and this process have to be as before.</summary>
internal static class RoleCycles
{
    private const int AtOnce = 4;
    private const int WarmUp = 100;

    /// <summary>Rows of shared catalogs that died and have not been vacuumed yet take room, about half a kilobyte for each role; the tables' own catalog must not grow at all.</summary>
    private const long BytesPerCycle = 1024;

    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(20);

    private static readonly string[] Rows = ["pg_authid", "pg_auth_members", "pg_shdepend", "pg_db_role_setting", "pg_shdescription", "pg_default_acl", "pg_prepared_xacts", "pg_namespace"];
    private static readonly string[] SharedSizes = ["pg_authid", "pg_auth_members", "pg_shdepend", "pg_db_role_setting", "pg_shdescription"];
    private static readonly string[] OwnSizes = ["pg_class", "pg_attribute", "pg_proc", "pg_namespace", "pg_depend"];

    /// <summary>True when everything is as before.</summary>
    public static async Task<bool> RunAsync(Report report, int cycles, int? major)
    {
        await using var server = await RoleServer.StartAsync(major);
        var database = await server.WithTablesAsync(50);
        var product = server.Administrator();
        report.Say($"Cycles: PostgreSQL {server.Server.Major}, {cycles} times make, log in, read, remove, {AtOnce} at a time, after {WarmUp} to warm up.");
        await CycleAsync(product, database, WarmUp);
        await Task.Delay(Rest);

        var before = await LookAsync(server, database);
        var clock = Stopwatch.StartNew();
        await CycleAsync(product, database, cycles);
        var took = clock.Elapsed;
        await Task.Delay(Rest);
        var after = await LookAsync(server, database);

        report.Add(Figure.Single("cycles", "whole cycles", cycles / took.TotalSeconds, "/s"));
        report.Say($"\n{"",-44}{"before",24}{"after",24}");
        var asBefore = true;
        foreach (var (what, value, may) in before)
        {
            var now = after.Single(seen => seen.What == what).Value;
            var same = may is { } growth ? long.Parse(now, CultureInfo.InvariantCulture) - long.Parse(value, CultureInfo.InvariantCulture) <= growth * (what.StartsWith("bytes of shared", StringComparison.Ordinal) ? cycles : 1) : now == value;
            asBefore &= same;
            report.Say($"{what,-44}{value,24}{now,24}   {(same ? "as before" : "DIFFERENT")}{(may is null ? "" : " (within bounds)")}");
        }
        report.Say(asBefore ? "Everything is as before." : "Not everything is as before.");
        return asBefore;
    }

    private static async Task CycleAsync(IRoleAdministrator product, TestDatabase database, int cycles) =>
        await Parallel.ForEachAsync(Enumerable.Range(0, cycles), new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (_, token) =>
        {
            var order = RoleServer.Order(database);
            if (await product.MakeAsync(order, RoleServer.Password, token) is not RoleMaking.Made made) throw new InvalidOperationException($"{order.Role} was not made.");
            // A source of its own: for a mere connection string the driver keeps one for ever, a tenth of a megabyte for each user.
            await using (var source = NpgsqlDataSource.Create(database.ConnectionStringFor(order.Role.Value, RoleServer.Password.Reveal()) + ";Pooling=false"))
            {
                await using var session = await source.OpenConnectionAsync(token);
                await using var read = new NpgsqlCommand("SELECT count(*) FROM t1", session);
                await read.ExecuteScalarAsync(token);
            }
            var removal = await product.RemoveAsync(new RoleToRemove(order.Installation, order.Grant, order.Target, order.Role, made.Oid) { ScopeRoles = ScopeRoles.NamesFor(order) }, token);
            if (removal is not RoleRemoval.Gone) throw new InvalidOperationException($"{order.Role} was not removed: {removal}");
        });

    /// <summary>What is looked at: its value, and for sizes how much they may have grown.</summary>
    private static async Task<List<(string What, string Value, long? May)>> LookAsync(RoleServer server, TestDatabase database)
    {
        List<(string, string, long?)> seen = [];
        await using var connection = new NpgsqlConnection(database.SuperuserConnectionString + ";Pooling=false");
        await connection.OpenAsync();
        foreach (var catalog in Rows)
            seen.Add(($"rows of {catalog}", await AskAsync($"SELECT count(*) || ' ' || coalesce(left(md5(string_agg(x::text, chr(10) ORDER BY x::text)), 12), '') FROM {catalog} x"), null));
        seen.Add(("privileges on tables", await AskAsync("SELECT count(relacl) || ' ' || left(md5(string_agg(oid || coalesce(relacl::text, ''), chr(10) ORDER BY oid)), 12) FROM pg_class"), null));
        seen.Add(("sessions of the administrator", await AskAsync($"SELECT count(*)::text FROM pg_stat_activity WHERE usename = '{PostgresServer.AdministratorName}'"), null));
        seen.Add(("sessions of roles that are no more", await AskAsync("SELECT count(*)::text FROM pg_stat_activity a WHERE usesysid IS NOT NULL AND NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = a.usesysid)"), null));
        foreach (var catalog in SharedSizes) seen.Add(($"bytes of shared {catalog}", await AskAsync($"SELECT pg_table_size('{catalog}')::text"), BytesPerCycle));
        foreach (var catalog in OwnSizes) seen.Add(($"bytes of {catalog}", await AskAsync($"SELECT pg_table_size('{catalog}')::text"), 64 * 1024));

        seen.Add(("kilobytes in use by this process", (GC.GetTotalMemory(forceFullCollection: true) / 1024).ToString(CultureInfo.InvariantCulture), 16 * 1024));
        using var self = Process.GetCurrentProcess();
        seen.Add(("kilobytes resident of this process", (self.WorkingSet64 / 1024).ToString(CultureInfo.InvariantCulture), 96 * 1024));
        return seen;

        async Task<string> AskAsync(string sql)
        {
            await using var command = new NpgsqlCommand(sql, connection);
            return (string?)await command.ExecuteScalarAsync() ?? "";
        }
    }
}
