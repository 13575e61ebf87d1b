using DbAccess.Domain.Grants;
using DbAccess.Infrastructure.Postgres.Roles;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Removing;

/// <summary>What the last look found of a role, or of its OID after the drop. See <see cref="RemovalStatements.State"/>.</summary>
internal sealed record RoleState
{
    public required bool Exists { get; init; }

    /// <summary>Its present name; null when it is not there.</summary>
    public required string? Name { get; init; }

    public required bool CanLogIn { get; init; }

    public required bool IsSuperuser { get; init; }

    public required long Sessions { get; init; }

    /// <summary>Objects and prepared transactions.</summary>
    public required long Owned { get; init; }

    public required long Privileges { get; init; }

    public required long Memberships { get; init; }

    public required long Settings { get; init; }

    /// <summary>What its scope roles have and must not.</summary>
    public required long OfScopes { get; init; }

    /// <summary>Their OIDs.</summary>
    public required IReadOnlyList<string> ScopeRoles { get; init; }

    /// <summary>Others than us who are members of it; only until 15.</summary>
    public required long Members { get; init; }

    /// <summary>The instance only reads.</summary>
    public required bool OnReader { get; init; }

    public required bool Counts { get; init; }

    /// <summary>Another role that has the number on record now.</summary>
    public required string? Heir { get; init; }

    /// <summary>The heir can log in until some day, as ours do, and has no comment.</summary>
    public required bool HeirMayBeOurs { get; init; }

    /// <summary>Somebody's open transaction holds the role: the last strike could not shut it out.</summary>
    public required bool Held { get; init; }

    /// <summary>Memberships that it had given on and that fell with its own, in words.</summary>
    public required IReadOnlyList<string> GivenOn { get; init; }

    /// <summary>Until PostgreSQL 15 its sessions could act as its scope role.</summary>
    public required bool CanBecomeScope { get; init; }

    /// <summary>How many receive the writer's log, readers or not.</summary>
    public required long Receivers { get; init; }

    public required bool IsAurora { get; init; }

    /// <summary>What keeps it from being dropped; memberships and settings go with it.</summary>
    public long OfRole => Owned + Privileges;

    /// <summary>
    /// Everything that a dropped role must not have left. A membership that is left is one in nothing: see
    /// <see cref="RoleStatements.Hold"/>.
    /// </summary>
    public long Rows => Owned + Privileges + Settings;

    /// <summary>In the order of the statement.</summary>
    public static RoleState Read(NpgsqlDataReader row) => new()
    {
        Exists = row.GetBoolean(0),
        Name = row.IsDBNull(1) ? null : row.GetString(1),
        CanLogIn = row.GetBoolean(2),
        IsSuperuser = row.GetBoolean(3),
        Sessions = row.GetInt64(4),
        Owned = row.GetInt64(5),
        Privileges = row.GetInt64(6),
        Memberships = row.GetInt64(7),
        Settings = row.GetInt64(8),
        OfScopes = row.GetInt64(9),
        ScopeRoles = row.GetFieldValue<string[]>(10),
        Members = row.GetInt64(11),
        OnReader = row.GetBoolean(12),
        Counts = row.GetBoolean(13),
        Heir = row.IsDBNull(14) ? null : row.GetString(14),
        HeirMayBeOurs = row.GetBoolean(15),
        Held = row.GetBoolean(16),
        GivenOn = row.GetString(17) is { Length: > 0 } given ? given.Split('\n') : [],
        CanBecomeScope = row.GetBoolean(18),
        Receivers = row.GetInt64(19),
        IsAurora = row.GetBoolean(20),
    };

    public string InWords() => string.Join(
        ", ", new[] { (Owned + OfScopes, "owned"), (Privileges, "privileges"), (Memberships, "memberships"), (Settings, "settings") }
            .Where(found => found.Item1 > 0).Select(found => $"{found.Item2}: {found.Item1}"));

    public RemovalProof AsProof() =>
        new(Exists ? 1 : 0, (int)Sessions, (int)(Owned + OfScopes), (int)Privileges, (int)Memberships, (int)Settings);
}

/// <summary>What there was before a strike. See <see cref="RemovalStatements.Look"/>.</summary>
/// <param name="Oid">Null when there is no such role, or it is not ours.</param>
/// <param name="ScopeRoles">Names.</param>
/// <param name="WasShutOut">By an earlier removal.</param>
/// <param name="Ident">Its name, quoted.</param>
/// <param name="Strike">What the strike does: <c>drop</c>, <c>contain</c> or <c>nothing</c>.</param>
internal sealed record RoleLookedAt(uint? Oid, IReadOnlyList<string> ScopeRoles, bool WasShutOut, string Ident, string Strike)
{
    public static RoleLookedAt Read(NpgsqlDataReader row) => new(
        row.IsDBNull(0) ? null : row.GetFieldValue<uint>(0), row.GetFieldValue<string[]>(1), row.GetBoolean(2), row.GetString(4),
        row.GetString(5));
}

/// <summary>Sessions that were found, those of them that were told to end, and the ghosts that were.</summary>
/// <param name="Ghosts">As <see cref="SessionWords.Ghost"/> reads them.</param>
/// <param name="OfWhom">Of each that was told to end, in their order, see <see cref="SessionStatements.SessionOfWhom"/>.</param>
internal sealed record EndedSessions(
    IReadOnlyList<string> Found, IReadOnlyList<string> Ended, IReadOnlyList<string> Ghosts, IReadOnlyList<string> OfWhom)
{
    public static EndedSessions Read(NpgsqlDataReader row) =>
        new(row.GetFieldValue<string[]>(0), row.GetFieldValue<string[]>(1), row.GetFieldValue<string[]>(2),
            row.GetFieldValue<string[]>(3));
}

/// <summary>A session that was ended and cannot go, with whom it waits for.</summary>
/// <param name="Holder">Who holds what it waits for.</param>
/// <param name="End">The statement that ends the holder.</param>
internal sealed record WaitingSession(string Session, int Pid, string Mode, string What, string Holder, string End)
{
    public static WaitingSession Read(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetInt32(1), row.GetString(2), row.GetString(3), row.GetString(4), row.GetString(5));
}
