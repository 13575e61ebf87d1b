using DbAccess.Application.Ports;
using DbAccess.Infrastructure.Postgres.Connections;
using DbAccess.TestKit.Postgres;
using Npgsql;

namespace DbAccess.Infrastructure.Tests.Postgres;

/// <summary>Somebody else's code inside our statements: what fails there is told at once, in the server's words.</summary>
public sealed class OthersCodeTests(PostgresFixture postgres) : IAsyncLifetime
{
    private RoleHouse _house = null!;

    public async ValueTask InitializeAsync() => _house = new RoleHouse(await postgres.CreateSampleOrdersAsync(), $"others-{Guid.NewGuid():N}");

    public async ValueTask DisposeAsync()
    {
        if (_house is not null) await _house.DisposeAsync();
    }

    [Theory]
    [InlineData("42P01", "INSERT INTO ddl_log VALUES (tg_tag)")]
    [InlineData("42883", "PERFORM note_ddl(tg_tag)")]
    [InlineData("42704", "PERFORM 'nobody_there'::regrole")]
    [InlineData("23505", "INSERT INTO public.once VALUES (1); INSERT INTO public.once VALUES (1)")]
    [InlineData("P0001", "RAISE EXCEPTION 'no changes before noon'")]
    [InlineData("ZZ123", "RAISE EXCEPTION USING ERRCODE = 'ZZ123', MESSAGE = 'who knows'")]
    public async Task An_event_trigger_that_fails_is_told_at_once_by_name_and_the_statement_mends_it(string code, string body)
    {
        await _house.AskAsync($"""
            CREATE TABLE public.once (i int PRIMARY KEY); ALTER TABLE public.once OWNER TO "{_house.Database.Owner}";
            CREATE FUNCTION public.audit_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $f$ BEGIN {body}; END $f$;
            CREATE EVENT TRIGGER "Audit DDL" ON ddl_command_end EXECUTE FUNCTION public.audit_ddl(); SELECT 1
            """);

        var why = await _house.ImpossibleAsync(_house.Order());

        Assert.Equal("postgres.others_code", why.Code);
        Assert.Contains("event trigger \"Audit DDL\" (function public.audit_ddl()", why.Message, StringComparison.Ordinal);
        Assert.Contains($"(SQLSTATE {code})", why.Message, StringComparison.Ordinal);
        await _house.MendAsync(why.Message);
        await _house.MakeAsync(_house.Order());
    }

    [Fact]
    public async Task A_module_that_wants_passwords_in_clear_is_told_at_once()
    {
        await using var house = new RoleHouse(_house.Database, _house.Installation, PostgresOptions.Default with { Seam = Refusing("CREATE ROLE", new PostgresException("password must be given in plain text", "ERROR", "ERROR", "0A000")) });

        var why = await house.ImpossibleAsync(house.Order());

        Assert.Equal("postgres.password_hook", why.Code);
        Assert.Contains("password must be given in plain text (SQLSTATE 0A000)", why.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_nobody_knows_is_no_reason_to_go_on_trying_and_no_verifier_is_shown()
    {
        var refused = new PostgresException("refused: CREATE ROLE a PASSWORD 'SCRAM-SHA-256$4096:c2FsdA==$c3RvcmVk:c2VydmVy' here", "ERROR", "ERROR", "ZZ001");
        await using var house = new RoleHouse(_house.Database, _house.Installation, PostgresOptions.Default with { Seam = Refusing("CREATE ROLE", refused) });

        var why = await house.ImpossibleAsync(house.Order());

        Assert.Equal("postgres.unexpected", why.Code);
        Assert.Contains("refused: CREATE ROLE a PASSWORD '(password)' here (SQLSTATE ZZ001)", why.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("c2FsdA", ClusterFault.From(refused, house.Order().Target.Cluster, "orders").Error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("PL/pgSQL function public.f() line 3 at RAISE", true)]
    [InlineData("SQL statement \"INSERT\"\nPL/pgSQL function f() line 3 at SQL statement", true)]
    [InlineData("SQL function \"f\" statement 1", true)]
    [InlineData("SQL statement \"LOCK TABLE\"\nPL/pgSQL function inline_code_block line 9 at EXECUTE", false)]
    [InlineData("while locking tuple (0,1) in relation \"pg_authid\"", false)]
    [InlineData(null, false)]
    public void A_block_of_ours_is_not_somebody_elses_code(string? where, bool others) =>
        Assert.Equal(others, OthersCode.Failed(new PostgresException("", "ERROR", "ERROR", "P0001", where: where)));

    [Fact]
    public void What_a_function_of_somebodys_says_about_a_login_is_not_about_ours()
    {
        var fault = ClusterFault.From(new PostgresException("not you", "ERROR", "ERROR", "28000", where: "PL/pgSQL function public.f() line 3 at RAISE"), _house.Order().Target.Cluster, "orders");

        Assert.Equal(("postgres.unexpected", false), (fault.Error.Code, fault.MayPass));
    }

    /// <summary>Fails the first statement that begins so, as a batch's.</summary>
    private static StatementSeam Refusing(string beginning, PostgresException refused) => StatementSeam.Closed with
    {
        Before = (_, statements, _) =>
        {
            var index = statements.ToList().FindIndex(statement => statement.Sql.StartsWith(beginning, StringComparison.Ordinal) && statement.Sql.Contains("PASSWORD", StringComparison.Ordinal));
            if (index < 0) return ValueTask.CompletedTask;
            refused.Data[Asked.Position] = index;
            throw refused;
        },
    };
}
