using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Scopes;

/// <summary>What the first look at a server found, and the statements it quoted for us. The columns stand in the record's order.</summary>
/// <param name="ScopeOid">Null when there is no role of the scope role's name.</param>
/// <param name="ScopeIsMore">It can log in, or has a power.</param>
/// <param name="MemberOf">The roles that the scope role is a member of, and in the next who made it so.</param>
/// <param name="OthersHands">From PostgreSQL 16 on: who else could get at what the scope role has.</param>
/// <param name="MayHandOn">Whether the administrator may make others members of the scope role.</param>
/// <param name="OpenSchemas">Where everybody may create things, quoted; at most ten.</param>
/// <param name="Closing">The statements by which a superuser takes that back; what another gave only they can.</param>
/// <param name="Horizon">Up to which transaction hands were seen (<see cref="ScopeHands.Horizon"/>).</param>
internal sealed record RolePreparation(
    bool ReadOnly,
    uint? ScopeOid,
    bool ScopeIsMore,
    string? ScopeTag,
    string[] MemberOf,
    string[] MemberBy,
    string ScopeIdent,
    string RoleIdent,
    string Create,
    string Alter,
    string Comment,
    string[] Settings,
    string[] OthersHands,
    bool MayHandOn,
    string[] OpenSchemas,
    string[] Closing,
    string Horizon)
{
    /// <summary>
    /// Parameters: 1 scope role, 2 temporary role, 3 its tag, 4 its end, 5 connection limit, 6 names and 7 values of its settings, 8 name
    /// of this session, 9 INHERIT or NOINHERIT, 10 how the tags of our logins begin, 11 the tag of the escrow role, 12 since when hands are
    /// looked at.
    /// </summary>
    /// <remarks>
    /// Written for the fewest steps of a plan, since each making runs it: <c>shobj_description</c> is a function in SQL, which the server
    /// reads and plans anew with each call.
    /// </remarks>
    private static string Statement(int major) => $"""
        SELECT current_setting('transaction_read_only') = 'on',
               s.oid,
               coalesce(s.rolcanlogin OR s.rolsuper OR s.rolcreaterole OR s.rolcreatedb OR s.rolreplication OR s.rolbypassrls, false),
               (SELECT d.description FROM pg_shdescription d WHERE d.objoid = s.oid AND d.classoid = 'pg_authid'::regclass),
               ARRAY(SELECT pg_get_userbyid(m.roleid)::text FROM pg_auth_members m WHERE m.member = s.oid ORDER BY m.roleid, m.grantor),
               ARRAY(SELECT pg_get_userbyid(m.grantor)::text FROM pg_auth_members m WHERE m.member = s.oid ORDER BY m.roleid, m.grantor),
               quote_ident($1), quote_ident($2),
               format('CREATE ROLE %I LOGIN %s NOCREATEDB NOCREATEROLE CONNECTION LIMIT %s VALID UNTIL %L PASSWORD ', $2, $9, $5, $4),
               format('ALTER ROLE %I LOGIN %s CONNECTION LIMIT %s VALID UNTIL %L PASSWORD ', $2, $9, $5, $4),
               format('COMMENT ON ROLE %I IS %L', $2, $3),
               ARRAY(SELECT format('ALTER ROLE %I SET %s = %s', $2,
                                   (SELECT string_agg(quote_ident(part), '.') FROM string_to_table(u.name, '.') part),
                                   -- Lists of names would otherwise become one name with commas in it.
                                   CASE WHEN u.name IN ('search_path', 'temp_tablespaces')
                                        THEN (SELECT string_agg(quote_literal(btrim(item, ' "')), ', ')
                                            FROM string_to_table(u.value, ',') item)
                                        ELSE quote_literal(u.value) END)
                       FROM unnest($6, $7) WITH ORDINALITY AS u(name, value, n) ORDER BY n),
               {(major >= 16 ? ScopeHands.Others("s.oid", "$10", "$11", "$12::text") : "'{}'::text[]")},
               {(major >= 16 ? ScopeHands.Ours("s.oid") : "true")},
               open.names, open.closing,
               {ScopeHands.Horizon},
               set_config('application_name', $8, false)
          FROM (SELECT coalesce(array_agg(c.name), '{"{}"}') AS names, coalesce(array_agg(c.closing), '{"{}"}') AS closing
                  FROM (SELECT quote_ident(n.nspname) AS name, {PublicPrivileges.CloseSchema} AS closing
                          FROM pg_namespace n, aclexplode(n.nspacl) e
                         WHERE e.grantee = 0 AND e.privilege_type = 'CREATE' ORDER BY n.nspname LIMIT 10) c) open
          {(major >= 16 ? ScopeHands.Me : "")}
          LEFT JOIN pg_roles s ON s.rolname = $1
        """;

    private static readonly string From16 = Statement(16);
    private static readonly string Until15 = Statement(15);

    public static string For(int major) => major >= 16 ? From16 : Until15;

    /// <summary>Further grants that the role takes: for a scope that runs as an owner, the membership in it.</summary>
    public string[] Grants { get; init; } = [];

    /// <summary>What the role may have got directly and not through a scope role, as the server describes it.</summary>
    public string[] Direct { get; init; } = [];

    public static RolePreparation Read(NpgsqlDataReader row) => new(
        row.GetBoolean(0),
        row.IsDBNull(1) ? null : row.GetFieldValue<uint>(1),
        row.GetBoolean(2),
        row.IsDBNull(3) ? null : row.GetString(3),
        row.GetFieldValue<string[]>(4),
        row.GetFieldValue<string[]>(5),
        row.GetString(6),
        row.GetString(7),
        row.GetString(8),
        row.GetString(9),
        row.GetString(10),
        row.GetFieldValue<string[]>(11),
        row.GetFieldValue<string[]>(12),
        row.GetBoolean(13),
        row.GetFieldValue<string[]>(14),
        row.GetFieldValue<string[]>(15),
        row.GetString(16));
}
