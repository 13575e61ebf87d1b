using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using DbAccess.Domain.Grants;
using DbAccess.TestKit.Postgres;

namespace DbAccess.Demo;

/// <summary>
/// What a stranger, a holder, somebody who can write to the store and somebody who left would try, against the running program. Each says what came of it; docs/security.md names the test that keeps
/// it so.
/// </summary>
public static class Attacks
{
    /// <summary>Everybody may read for a while; correcting an order takes one of the administrators.</summary>
    public const string Policy = """
        version: 1
        clusters:
          orders-prod: { }
        databases:
          orders: { cluster: orders-prod, database: orders, scopes: [read, fix-orders] }
        scopes:
          read:
            description: Read every table
            privileges: [{ on: "tables in schema public", allow: [select] }]
          fix-orders:
            description: Correct an order's status
            privileges: [{ on: "table public.orders", columns: [status, updated_at], allow: [update] }]
        groups:
          dba: { users: [U0DBA0001] }
        allow:
          - { id: all-read, who: [everyone], databases: [orders], scopes: [read], lifetime: {default: 30m, max: 1h}, approval: none }
          - { id: fix, who: [everyone], databases: [orders], scopes: [fix-orders], lifetime: {default: 30m, max: 1h}, approval: {stages: [{any: 1, of: dba}], lapse: 1h} }

        """;

    /// <summary>The one who attacks asks more often than people do; how many grants somebody may have stays as it is.</summary>
    public static readonly IReadOnlyDictionary<string, string> Settings = new Dictionary<string, string>(StringComparer.Ordinal) { ["Limits:RequestsPerPersonPerMinute"] = "200" };

    private sealed record Attack(string Who, string What, Func<Field, Task<string?>> RunAsync, int From = 14);

    private static readonly Attack[] All =
    [
        .. OfTheNetwork(), .. OfStrangers(), .. OfHolders(), .. OfWritersOfTheStore(), .. OfLeavers(),
    ];

    /// <summary>How many got through.</summary>
    public static async Task<int> PlayAsync(DemoSystem system, TextWriter output, string? only, CancellationToken cancellationToken)
    {
        var field = await Field.OpenAsync(system);
        var (through, stopped) = (0, 0);
        foreach (var attack in All.Where(attack => only is null || $"{attack.Who}: {attack.What}".Contains(only, StringComparison.OrdinalIgnoreCase)))
        {
            if (field.Major < attack.From)
            {
                await output.WriteLineAsync($"-        {attack.Who}: {attack.What}: does not exist before PostgreSQL {attack.From}");
                continue;
            }

            string? gotThrough;
            var watch = Stopwatch.StartNew();
            try
            {
                gotThrough = await attack.RunAsync(field).WaitAsync(cancellationToken);
            }
            catch (Exception failure) when (failure is not OutOfMemoryException && !cancellationToken.IsCancellationRequested)
            {
                gotThrough = $"it could not be played to its end: {failure.Message}";
            }

            if (gotThrough is null) stopped++;
            else through++;
            await field.CleanUpAsync();
            var took = string.Create(CultureInfo.InvariantCulture, $"{watch.Elapsed.TotalSeconds:0.0} s");
            await output.WriteLineAsync($"{(gotThrough is null ? "stopped" : "THROUGH")}  {attack.Who}: {attack.What}{(gotThrough is null ? "" : $": {gotThrough}")} ({took})");
        }

        var log = system.Output.Count(line => system.Secrets.Any(secret => line.Contains(secret, StringComparison.Ordinal)));
        if (log > 0) (through, _) = (through + 1, 0);
        await output.WriteLineAsync($"PostgreSQL {field.Major}: {stopped} stopped, {through} got through{(log > 0 ? "; the log holds a secret" : "")}");
        return through;
    }

    private static IEnumerable<Attack> OfTheNetwork()
    {
        const string who = "stranger on the network";
        yield return new(who, "a command without a signature", async field => await field.SendAsync("", 0) is var status && status is not 401 ? $"answered {status}" : null);
        yield return new(who, "a command signed with another secret", async field => await field.SendAsync("another-secret", 0) is var status && status is not 401 ? $"answered {status}" : null);
        yield return new(who, "a signed command that is six minutes old", async field => await field.SendAsync(field.SigningSecret, -360) is var status && status is not 401 ? $"answered {status}" : null);
        yield return new(who, "a signed command of another workspace", async field =>
        {
            await field.SendAsync(field.SigningSecret, 0, team: "T0OTHER01");
            await field.SettledAsync();
            return await field.AskAsync("SELECT count(*) FROM pg_roles WHERE starts_with(rolname, 'dba_') AND rolcanlogin") is "0" ? null : "it was carried out";
        });
        yield return new(who, "the way to metrics over dot segments", async field =>
        {
            foreach (var path in (string[])["/slack/../metrics", "/slack/%2e%2e/metrics", "/metrics", "/slack/..%2fmetrics", "/slack/./../health/ready"])
            {
                if (await field.RawAsync($"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") is var answer && !answer.Contains(" 404 ", StringComparison.Ordinal) && !answer.Contains(" 400 ", StringComparison.Ordinal))
                    return $"{path} was answered {answer.Split('\n')[0].Trim()}";
            }
            return null;
        });
        yield return new(who, "a body with two lengths", async field =>
            await field.RawAsync("POST /slack/commands HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\nConnection: close\r\n\r\n0\r\n\r\n") is var answer
                && !answer.Contains(" 400 ", StringComparison.Ordinal) ? answer.Split('\n')[0].Trim() : null);
        yield return new(who, "380 connections that announce a megabyte each", async field =>
        {
            var head = Encoding.ASCII.GetBytes($"POST /slack/commands HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nX-Slack-Signature: v0={new string('0', 64)}\r\nX-Slack-Request-Timestamp: {DateTimeOffset.UtcNow.ToUnixTimeSeconds()}\r\nContent-Length: 1048576\r\n\r\n");
            var before = field.ResidentMegabytes();
            List<TcpClient> open = [];
            try
            {
                for (var i = 0; i < 380; i++)
                {
                    var client = new TcpClient();
                    open.Add(client);
                    await client.ConnectAsync(IPAddress.Loopback, field.System.Product.Url.Port);
                    await client.GetStream().WriteAsync(head);
                }
                var grown = field.ResidentMegabytes() - before;
                if (grown > 200) return $"the process grew by {grown} MB";
                return await field.ReadsAsync(SlackUser.Erin) is null ? "nobody else is served meanwhile" : null;
            }
            finally
            {
                foreach (var client in open) client.Dispose();
            }
        });
        yield return new(who, "2,100 connections that say nothing", async field =>
        {
            List<TcpClient> open = [];
            try
            {
                for (var i = 0; i < 2_100; i++)
                {
                    var client = new TcpClient();
                    open.Add(client);
                    await client.ConnectAsync(IPAddress.Loopback, field.System.Product.Url.Port);
                }
                return await field.ReadsAsync(SlackUser.Erin) is null ? "nobody else is served meanwhile" : null;
            }
            finally
            {
                foreach (var client in open) client.Dispose();
            }
        });
        yield return new(who, "one person whose open form is drawn anew all the time, while Slack is slow about it", async field =>
        {
            await field.System.Users.CommandAsync(SlackUser.Omar, "");
            await field.SettledAsync();
            var form = (await field.System.Users.ViewsAsync(SlackUser.Omar))[^1];
            await field.System.Users.FaultAsync("views.update", "late", times: 100, delayMs: 3_000);
            try
            {
                await Task.WhenAll(Enumerable.Range(0, 60).Select(_ => field.System.Users.PressInAsync(SlackUser.Omar, form, "value", "scope", "read")));
                // All workers would be busy with it for some 22 seconds.
                return await field.ReadsAsync(SlackUser.Erin, patience: TimeSpan.FromSeconds(12)) is null ? "nobody else is served meanwhile" : null;
            }
            finally
            {
                await field.System.Users.FaultAsync("views.update", "late", times: 0);
            }
        });
        yield return new(who, "thirty requests of one person at once", async field =>
        {
            var id = 0;
            await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => field.System.Users.CommandAsync(SlackUser.Omar, $"orders read {Interlocked.Increment(ref id) + 5}m because flood {id}")));
            await field.SettledAsync();
            var live = long.Parse(await field.AskAsync("SELECT count(*) FROM pg_roles WHERE rolcanlogin AND rolname LIKE '%\\_omar\\_%'"), CultureInfo.InvariantCulture);
            await field.System.Users.CommandAsync(SlackUser.Omar, "done all");
            return live > 5 ? $"{live} roles were made" : null;
        });
    }

    private static IEnumerable<Attack> OfStrangers()
    {
        const string who = "stranger with a login";
        yield return new(who, "makes our scope role first, with our name and comment", async field =>
        {
            var scope = await field.ScopeRoleAsync();
            var comment = await field.AskAsync($"SELECT quote_literal(shobj_description('{scope}'::regrole, 'pg_authid'))");
            await field.AskAsync($"DROP OWNED BY {scope}; DROP ROLE {scope}; SELECT 1");
            await field.AskAsync($"CREATE ROLE {scope} NOLOGIN; COMMENT ON ROLE {scope} IS {comment}; GRANT {scope} TO CURRENT_USER WITH INHERIT TRUE; SELECT 1", Field.Mallory);
            if (await field.ReadsAsync(SlackUser.Erin) is null) return "nobody gets access any more";
            return await field.AskAsync("SELECT has_table_privilege('mallory', 'public.orders', 'SELECT')") is "True" ? "she reads what we gave" : null;
        }, From: 16);
        yield return new(who, "is made a member of our scope role", async field =>
        {
            var scope = await field.ScopeRoleAsync();
            await field.AskAsync($"GRANT {scope} TO mallory; SELECT 1");
            await field.AskAsync("CREATE TABLE public.fresh (i int); ALTER TABLE public.fresh OWNER TO orders_owner; SELECT 1");
            if (await field.ReadsAsync(SlackUser.Erin, "public.fresh") is null) return "nobody gets access any more";
            return await field.AskAsync("SELECT has_table_privilege('mallory', 'public.fresh', 'SELECT')") is "True" ? "she reads what was given later" : null;
        }, From: 16);
        yield return new(who, "gives our scope role a large object of hers", async field =>
        {
            await field.AskAsync($"SELECT lo_create(4713); GRANT SELECT ON LARGE OBJECT 4713 TO {await field.ScopeRoleAsync()}; SELECT 1", Field.Mallory);
            return await field.ReadsAsync(SlackUser.Erin) is null ? "the scope is shut for everybody" : null;
        });
        yield return new(who, "gives our scope role all on a table of hers, to be handed on", async field =>
        {
            await field.AskAsync($"CREATE TABLE hers.t (i int); GRANT ALL ON hers.t TO {await field.ScopeRoleAsync()} WITH GRANT OPTION; SELECT 1", Field.Mallory);
            return await field.ReadsAsync(SlackUser.Erin) is null ? "the scope is shut for everybody" : null;
        });
        yield return new(who, "keeps an account for our scope role at a server of foreign data of hers", async field =>
        {
            var scope = await field.ScopeRoleAsync();
            await field.AskAsync("CREATE FOREIGN DATA WRAPPER hers; GRANT USAGE ON FOREIGN DATA WRAPPER hers TO mallory; SELECT 1");
            await field.AskAsync($"CREATE SERVER hers FOREIGN DATA WRAPPER hers; GRANT USAGE ON FOREIGN SERVER hers TO {scope}; CREATE USER MAPPING FOR {scope} SERVER hers; SELECT 1", Field.Mallory);
            try
            {
                return await field.ReadsAsync(SlackUser.Erin, patience: TimeSpan.FromSeconds(20)) is null ? "the scope is shut for everybody" : null;
            }
            finally
            {
                await field.AskAsync("DROP FOREIGN DATA WRAPPER hers CASCADE; SELECT 1");
            }
        });
        yield return new(who, "makes the role first that keeps what holders leave", async field =>
        {
            // The beginning is the installation's.
            var escrow = $"{(await field.ScopeRoleAsync())[..11]}escrow";
            if (await field.AskAsync($"SELECT count(*) FROM pg_roles WHERE rolname = '{escrow}'") is not "0")
                await field.AskAsync($"DROP OWNED BY {escrow}; DROP ROLE {escrow}; SELECT 1");
            await field.AskAsync($$$"""
                CREATE ROLE {{{escrow}}} NOLOGIN; COMMENT ON ROLE {{{escrow}}} IS '{"dbaccess":1,"i":"demo","kind":"escrow"}'; GRANT {{{escrow}}} TO mallory WITH INHERIT TRUE;
                GRANT {{{escrow}}} TO {{{PostgresServer.AdministratorName}}} WITH ADMIN TRUE, INHERIT TRUE, SET TRUE; SELECT 1
                """, Field.Mallory);
            try
            {
                var (id, credential) = await field.GetAsync(SlackUser.Erin);
                await using (var session = await field.LogInAsync(credential)) await Field.TryAsync(session, "SELECT lo_from_bytea(4715, 'left behind')");
                await field.EndAsync(SlackUser.Erin, id);
                if (await field.AskAsync("SELECT count(*) FROM pg_largeobject_metadata WHERE oid = 4715") is "0") return "what was left is gone";
                return await field.FailsAsync("SELECT lo_get(4715)", Field.Mallory) is null ? "she reads what a holder left" : null;
            }
            finally
            {
                await field.AskAsync($"DROP OWNED BY {escrow}; DROP ROLE {escrow}; SELECT 1");
            }
        }, From: 16);
        yield return new(who, "an event trigger that fails in our statements", async field =>
        {
            await field.AskAsync("CREATE FUNCTION public.theirs() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM no_such_function(); END $$; CREATE EVENT TRIGGER theirs ON ddl_command_start WHEN TAG IN ('GRANT', 'COMMENT') EXECUTE FUNCTION public.theirs(); SELECT 1");
            // Something that is to be given, so that there is a GRANT.
            await field.AskAsync("CREATE TABLE public.behind (i int); ALTER TABLE public.behind OWNER TO orders_owner; SELECT 1");
            try
            {
                var after = await field.NowAsync(SlackUser.Sam);
                await field.System.Users.CommandAsync(SlackUser.Sam, "orders read 10m because there is a trigger in the way");
                return await field.HearAsync(SlackUser.Sam, "theirs", after) ? null : "nobody is told of it within a minute";
            }
            finally
            {
                await field.AskAsync("DROP EVENT TRIGGER theirs; DROP FUNCTION public.theirs(); SELECT 1");
            }
        });
    }

    private static IEnumerable<Attack> OfHolders()
    {
        const string who = "holder";
        yield return new(who, "stays logged in over the end, and comes back", async field =>
        {
            var (id, credential) = await field.GetAsync(SlackUser.Erin);
            await using var session = await field.LogInAsync(credential);
            await field.EndAsync(SlackUser.Erin, id);
            if (await Field.AnswersAsync(session)) return "the session was not cut";
            return await field.CanLogInAsync(credential) ? "the password still lets in" : null;
        });
        yield return new(who, "default privileges in the scope role's name", async field =>
        {
            var scope = await field.ScopeRoleAsync();
            var (id, credential) = await field.GetAsync(SlackUser.Erin);
            await using (var session = await field.LogInAsync(credential))
                await Field.TryAsync(session, $"ALTER DEFAULT PRIVILEGES FOR ROLE {scope} GRANT ALL ON TABLES TO PUBLIC");
            await field.EndAsync(SlackUser.Erin, id);
            if (await field.AskAsync($"SELECT count(*) FROM pg_default_acl WHERE defaclrole = '{scope}'::regrole") is not "0") return "they stay";
            return await field.ReadsAsync(SlackUser.Sam) is null ? "the scope is shut for everybody" : null;
        });
        yield return new(who, "a large object for PUBLIC and for the scope role", async field =>
        {
            var scope = await field.ScopeRoleAsync();
            var (id, credential) = await field.GetAsync(SlackUser.Erin);
            await using (var session = await field.LogInAsync(credential))
                await Field.TryAsync(session, $"SELECT lo_from_bytea(4714, 'stolen'); GRANT SELECT ON LARGE OBJECT 4714 TO PUBLIC, {scope}");
            await field.EndAsync(SlackUser.Erin, id);
            if (await field.FailsAsync("SELECT lo_get(4714)", Field.Mallory) is null) return "everybody reads it after the end";
            return await field.ReadsAsync(SlackUser.Sam) is null ? "the scope is shut for everybody" : null;
        });
        yield return new(who, "a function in the way of the application's calls, where everybody may make one", async field =>
        {
            var schemas = await field.AskAsync("SELECT count(*) FROM pg_namespace n, aclexplode(n.nspacl) e WHERE e.grantee = 0 AND e.privilege_type = 'CREATE'");
            await field.AskAsync("GRANT CREATE ON SCHEMA public TO PUBLIC; SELECT 1");
            var given = await field.ReadsAsync(SlackUser.Erin, patience: TimeSpan.FromSeconds(8));
            await field.AskAsync("REVOKE CREATE ON SCHEMA public FROM PUBLIC; SELECT 1");
            return schemas is not "0" ? "everybody may create here from the start" : given is not null ? "a role was made on such a database" : null;
        });
        yield return new(who, "fills the table of locks", async field =>
        {
            var (id, credential) = await field.GetAsync(SlackUser.Erin);
            await using var session = await field.LogInAsync(credential);
            await Field.TryAsync(session, "DO $$ BEGIN PERFORM pg_advisory_lock(i) FROM generate_series(1, 60000) i; EXCEPTION WHEN OTHERS THEN NULL; END $$");
            await field.System.Users.CommandAsync(SlackUser.Erin, $"done {id}");
            for (var watch = Stopwatch.StartNew(); watch.Elapsed < TimeSpan.FromSeconds(60); await Task.Delay(500))
            {
                if (!await Field.AnswersAsync(session)) return await field.ReadsAsync(SlackUser.Sam) is null ? "nobody gets access afterwards" : null;
            }
            return "the end does not come";
        });
        yield return new(who, "gives the role to the application, so that its sessions are ended", async field =>
        {
            await field.AskAsync("DO $$ BEGIN CREATE ROLE orders_app LOGIN PASSWORD 'app'; EXCEPTION WHEN duplicate_object THEN NULL; END $$; GRANT SELECT ON ALL TABLES IN SCHEMA public TO orders_app; SELECT 1");
            await using var application = await field.OpenAsync("orders_app", "app");
            var (id, credential) = await field.GetAsync(SlackUser.Erin);
            await using (var session = await field.LogInAsync(credential)) await Field.TryAsync(session, $"GRANT \"{credential.User}\" TO orders_app");
            await field.EndAsync(SlackUser.Erin, id);
            return await Field.AnswersAsync(application) ? null : "its session was ended";
        });
        yield return new(who, "agrees to a request of their own", async field =>
        {
            var after = await field.NowAsync(SlackUser.Erin);
            await field.System.Users.CommandAsync(SlackUser.Erin, "orders fix-orders 10m because the status is wrong, and I agree with myself");
            if (await field.IdAsync(SlackUser.Erin, after) is not { } id) return "nothing was said";

            await field.System.Users.CommandAsync(SlackUser.Erin, $"approve {id}");
            await field.SettledAsync();
            var given = await field.HasRoleAsync(Compact(id));
            await field.System.Users.CommandAsync(SlackUser.Erin, $"cancel {id}");
            return given ? "it was given" : null;
        });
    }

    private static IEnumerable<Attack> OfWritersOfTheStore()
    {
        const string who = "writer of the store";
        yield return new(who, "a grant of a year for somebody who could have asked for less", async field =>
        {
            var (id, _) = await field.GetAsync(SlackUser.Erin);
            var key = await field.ForgeGrantAsync(id, grant =>
            {
                (grant["status"], grant["duration"], grant["requester"]) = ("Approved", "365.00:00:00", $"T0DBACME1/{SlackUser.Omar}");
                foreach (var gone in (string[])["role", "roleOid", "window", "plan", "credentialsMessage"]) grant[gone] = null;
            });
            return await field.OutcomeAsync(key) is var outcome && outcome is not "Failed" ? $"it came to {outcome}" : null;
        });
        yield return new(who, "a request in the inbox", async field =>
        {
            await field.StoreAsync("INSERT INTO inbox (key, kind, team, user, channel, text, received_at) SELECT 'forged', kind, team, 'U0ENGINE3', channel, 'orders read 1h because it is forged', strftime('%Y-%m-%dT%H:%M:%f0000Z', 'now') FROM inbox WHERE kind = 'command' LIMIT 1");
            await field.System.Product.StopAsync();
            await field.System.StartProductAsync();
            await field.SettledAsync();
            return await field.HasRoleAsync("_omar_") ? "it was carried out" : null;
        });
        yield return new(who, "a live grant's end moved by a year", async field =>
        {
            var (id, credential) = await field.GetAsync(SlackUser.Erin, "15s");
            await field.ChangeGrantAsync(id, grant =>
            {
                if (grant["window"] is JsonObject window) window["expiry"] = DateTimeOffset.UtcNow.AddYears(1).ToString("O");
                grant["duration"] = "365.00:00:00";
                grant["stepDueAt"] = DateTimeOffset.UtcNow.AddYears(1).ToString("O");
            });
            await Task.Delay(TimeSpan.FromSeconds(16));
            return await field.CanLogInAsync(credential) ? "the password lets in after the end" : null;
        });
        yield return new(who, "a live grant's end moved by a year, with a password asked for then", async field =>
        {
            var (id, credential) = await field.GetAsync(SlackUser.Erin);
            var now = DateTimeOffset.UtcNow;
            await field.ChangeGrantAsync(id, grant =>
            {
                if (grant["window"] is JsonObject window) window["expiry"] = now.AddYears(1).ToString("O");
                (grant["endMoved"], grant["leased"], grant["stepDueAt"], grant["stepSince"]) = (true, false, now.ToString("O"), now.ToString("O"));
                grant["password"] = new JsonObject { ["at"] = now.AddYears(1).ToString("O"), ["view"] = null };
            }, now);
            if (await field.OutcomeAsync(id, notYet: "Active") is var outcome && outcome is not "Ended") return $"it came to {outcome}";
            return await field.CanLogInAsync(credential) ? "the password still lets in" : null;
        });
        yield return new(who, "somebody else's role as the one that is to be removed", async field =>
        {
            var (mine, credential) = await field.GetAsync(SlackUser.Erin);
            var (theirs, others) = await field.GetAsync(SlackUser.Sam);
            await using var session = await field.LogInAsync(others);
            var oid = await field.AskAsync($"SELECT '{others.User}'::regrole::oid::bigint");
            await field.ChangeGrantAsync(mine, grant => (grant["role"], grant["roleOid"]) = (others.User, long.Parse(oid, CultureInfo.InvariantCulture)));
            await field.System.Users.CommandAsync(SlackUser.Erin, $"done {mine}");
            var outcome = await field.OutcomeAsync(mine, notYet: "Active");
            var cut = !await Field.AnswersAsync(session) || !await field.CanLogInAsync(others);
            await field.EndAsync(SlackUser.Sam, theirs);
            if (cut) return "their access was ended";
            if (outcome is not "Ended") return $"it came to {outcome}";
            return await field.AskAsync($"SELECT count(*) FROM pg_roles WHERE rolname = '{credential.User}'") is "0" ? null : "their own role stayed";
        });
        yield return new(who, "another server as the place where a holder logs in", async field =>
        {
            var (id, _) = await field.GetAsync(SlackUser.Erin);
            await field.ChangeGrantAsync(id, grant => grant["door"] = new JsonObject { ["host"] = "evil.example", ["port"] = 5432, ["sslMode"] = "disable" });
            var after = await field.NowAsync(SlackUser.Erin);
            var message = await field.CredentialsMessageAsync(SlackUser.Erin, id);
            foreach (var action in (string[])["connect", "new_password"]) await field.System.Users.PressAsync(SlackUser.Erin, message, action);
            await field.SettledAsync();
            var seen = (await field.SinceAsync(SlackUser.Erin, after)).Concat((await field.System.Users.ViewsAsync(SlackUser.Erin)).Select(view => view.ToJsonString()));
            return seen.Any(words => words.Contains("evil.example", StringComparison.Ordinal)) ? "they are told to go there" : null;
        });
        yield return new(who, "the record of a grant that is over, put back to when it was allowed", async field =>
        {
            var (id, _) = await field.GetAsync(SlackUser.Erin);
            await field.EndAsync(SlackUser.Erin, id);
            // Its own story is to be over: what is written to it meanwhile would take the place of this.
            await field.NothingDueAsync(id);
            var now = DateTimeOffset.UtcNow;
            await field.ChangeGrantAsync(id, grant =>
            {
                (grant["status"], grant["leased"], grant["attempts"], grant["stepDueAt"], grant["stepSince"]) = ("Approved", false, 0, now.ToString("O"), now.ToString("O"));
                foreach (var gone in (string[])["role", "roleOid", "window", "plan", "credentialsMessage", "endReason", "endedAt", "receipt", "password", "abandonedBecause"]) grant[gone] = null;
            }, now, ", status = 'Approved', role = NULL, ended_at = NULL, version = version + 1");
            return await field.OutcomeAsync(id, notYet: "Ended") is var outcome && outcome is not "Failed" ? $"it came to {outcome}" : null;
        });
    }

    private static IEnumerable<Attack> OfLeavers()
    {
        const string who = "somebody who left";
        yield return new(who, "stays logged in after being deactivated", async field =>
        {
            var (_, credential) = await field.GetAsync(SlackUser.Sam);
            await using var session = await field.LogInAsync(credential);
            await field.System.Users.ChangeAsync(SlackUser.Sam, deleted: true);
            try
            {
                for (var watch = Stopwatch.StartNew(); watch.Elapsed < TimeSpan.FromSeconds(60); await Task.Delay(500))
                {
                    if (!await Field.AnswersAsync(session)) return await field.CanLogInAsync(credential) ? "the password still lets in" : null;
                }
                return "the session is there a minute later";
            }
            finally
            {
                await field.System.Users.ChangeAsync(SlackUser.Sam, deleted: false);
            }
        });
        yield return new(who, "asks again as a guest", async field => await field.ReadsAsync(SlackUser.Gustav, patience: TimeSpan.FromSeconds(8)) is not null ? "access was given" : null);
    }

    private static string Compact(string id) => GrantId.Parse(id)?.Compact ?? "no-such-grant";
}
