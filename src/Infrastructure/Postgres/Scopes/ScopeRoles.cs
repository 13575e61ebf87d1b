using System.Collections.Concurrent;
using System.Globalization;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Scopes;
using DbAccess.Infrastructure.Postgres.Connections;
using DbAccess.Infrastructure.Postgres.Roles;
using Microsoft.Extensions.Logging;

namespace DbAccess.Infrastructure.Postgres.Scopes;

/// <summary>How it stands with the scope role of a part of a scope.</summary>
/// <param name="Why">Why the scope cannot be given here. Null when it can.</param>
/// <param name="Look">At the scope role that is used: another, where the first was not to be.</param>
/// <param name="Plan">What it gives; null when nothing was done but looked.</param>
/// <param name="Odd">What somebody should know of; mostly nothing.</param>
internal sealed record ScopeState(Error? Why, RoleLook Look, RolePreparation Preparation, PlanOnRecord? Plan, IReadOnlyList<Error> Odd);

/// <summary>
/// Keeps scope roles in line with their scope. Privileges hang on them and temporary roles are only their members: direct grants to
/// temporary roles clash with each other and with everybody's DDL, and fill the tables' ACLs. A scope role that is not as we made it, or
/// has what we cannot take back, is put aside: whoever is a member of it stays so to their end, and another of a fresh name takes its
/// place. So nobody who can do something to a scope role can keep others from their access, or share in it.
/// </summary>
internal sealed class ScopeRoles(TimeProvider clock, ILogger logger)
{
    /// <summary>
    /// How long a mark may stand for a full comparison. What it does not see, such as the administrator becoming a member of another owner,
    /// is seen then.
    /// </summary>
    private static readonly TimeSpan MarkLifetime = TimeSpan.FromMinutes(1);

    /// <summary>So many differing rows of <c>pg_class</c> take a millisecond to sum up.</summary>
    private const int ManyRows = 4000;

    /// <summary>Each takes somebody who gives it what is not theirs; who goes on doing that is not to fill the server with roles.</summary>
    private const int MostAside = 20;

    private readonly ScopeMending _mending = new(clock, logger);

    /// <summary>For looks before a making; whoever compares or examines looks at everything.</summary>
    public HandsSeen Hands { get; } = new(clock);

    /// <summary>By cluster and scope role: the mark at which nothing differed, when that was, and what the role gives.</summary>
    private readonly ConcurrentDictionary<(ClusterName, string), (string Mark, long At, PlanOnRecord Plan)> _inLine = new();

    /// <summary>By cluster and first name: the scope role that is used instead, and since when.</summary>
    private readonly ConcurrentDictionary<(ClusterName, string), (string Role, long At)> _instead = new();

    /// <summary>The scope roles that an order's role is a member of, one for each of its databases, the first one's first.</summary>
    public static IReadOnlyList<RoleName> NamesFor(RoleOrder order) => RoleName.ForScopes(order.Installation, order.Scope, order.Target);

    /// <summary>The part with the scope role that was used last. After a minute the first is looked at again.</summary>
    public ScopePart InUse(ScopePart part) =>
        _instead.TryGetValue((part.Target.Cluster, part.FirstRole), out var instead) && clock.GetElapsedTime(instead.At) < MarkLifetime
            ? part.As(instead.Role) : part;

    /// <summary>
    /// Sees to it that the scope role gives what the scope says, no more and no less; puts it aside if it has to. Answers why it cannot be,
    /// or what it gives now. Writes nothing when nothing differs.
    /// </summary>
    /// <param name="onlyLook">Only find out whether it could be done.</param>
    public async Task<ScopeState> EnsureAsync(
        ClusterConnection cluster, RoleLook look, RolePreparation state, string mark, CancellationToken cancellationToken,
            bool onlyLook = false)
    {
        List<string> aside = [];
        for (List<Error> odd = []; ;)
        {
            var (why, fault, plan, given) = await EnsureOneAsync(cluster, look, state, mark, onlyLook, cancellationToken);
            if (given.Count > 0)
            {
                odd.Add(ScopeWords.GivenByOthers(state, given));
                logger.LogWarning("Scope role {Role} on {Database}: {What}", look.Part.Role, look.Part.Place, odd[^1].Message);
            }
            if (fault is null)
            {
                if (aside.Count > 0) _instead[(look.Part.Target.Cluster, look.Part.FirstRole)] = (look.Part.Role, clock.GetTimestamp());
                return new(why, look, state, plan, odd);
            }
            if (aside.Count == MostAside) return new(fault.Error, look, state, null, odd);

            aside.Add(look.Part.Role);
            odd.Add(fault.Error);
            logger.LogWarning(
                "Scope role {Role} on {Database} is put aside: {Why}", look.Part.Role, look.Part.Place, fault.Error.Message);
            look = look.With(look.Part.As(await NextAsync(cluster, look.Part, aside, cancellationToken)
                ?? RoleName.Another(look.Part.FirstRole)));
            (state, mark) = await look.LookAsync(cluster, cancellationToken);
        }
    }

    /// <summary>What the scope role gives, if nothing has changed since it was compared with its scope.</summary>
    public PlanOnRecord? Recall(ScopePart part, string mark) => Known(part) is { } known && known.Mark == mark ? known.Plan : null;

    /// <summary>Whether the mark of this scope takes long enough to read that it is worth a second connection.</summary>
    public bool IsLarge(ScopePart part) => Known(part) is { } known && ScopeStatements.RowsIn(known.Mark) >= ManyRows;

    /// <summary>
    /// Compares and brings in line, whatever was known before. The scope role must be there. One that is not to be used as it is stays so,
    /// and the one that is used instead is looked at: what is wrong with the role itself is told by whoever lists roles. Answers what
    /// differed, and what of it others have to mend.
    /// </summary>
    public async Task<(IReadOnlyList<string> Differences, Error? Why)> KeepInLineAsync(
        ClusterConnection cluster, RoleLook look, RolePreparation state, bool dryRun, CancellationToken cancellationToken)
    {
        List<string> words = [];
        Error? told = null;
        for (List<string> aside = []; ;)
        {
            var fault = ScopeFault.Of(state, look.Part);
            if (fault is null)
            {
                var found = await look.CompareAsync(cluster, cancellationToken);
                (var why, fault) = ScopeWords.CannotMend(found.All, look.Part, state.ScopeIdent, cluster.Credential.Username);
                words.AddRange(ScopeWords.InWords([.. found.All, .. found.Given]));
                if (why is null && fault is null && !dryRun && found.All.Count > 0)
                    (why, fault) = await _mending.BringInLineAsync(cluster, look, cancellationToken);
                if (why is not null) return (words, why);
                if (found.Given.Count > 0) told ??= ScopeWords.GivenByOthers(state, found.Given);
                if (fault is not null) told = fault.Error;
            }
            if (fault is null) return (words, told);

            aside.Add(look.Part.Role);
            if (await NextAsync(cluster, look.Part, aside, cancellationToken) is not { } next) return (words, told);

            look = look.With(look.Part.As(next));
            (state, _) = await look.LookAsync(cluster, cancellationToken);
        }
    }

    private async Task<(Error? Why, ScopeFault? Fault, PlanOnRecord? Plan, IReadOnlyList<ScopeDifference> Given)> EnsureOneAsync(
        ClusterConnection cluster, RoleLook look, RolePreparation state, string mark, bool onlyLook, CancellationToken cancellationToken)
    {
        var part = look.Part;
        if (ScopeFault.Of(state, part) is { } fault) return (null, fault, null, []);

        if (state.ScopeOid is not null && Recall(part, mark) is { } recalled) return (null, null, recalled, []);

        var at = clock.GetTimestamp();
        var found = await look.CompareAsync(cluster, cancellationToken);
        // A holder can set default privileges in its name. Nobody else's request is to wait for the next comparison.
        if (!onlyLook && state.ScopeOid is { } scope && found.All.Any(difference => difference.What == "owned")
            && (await ScopeDefaults.RevokeAsync(cluster, scope.ToString(CultureInfo.InvariantCulture), cancellationToken)).Count > 0)
            found = await look.CompareAsync(cluster, cancellationToken);
        var (why, unfit) = ScopeWords.CannotMend(found.All, part, state.ScopeIdent, cluster.Credential.Username);
        if (why is not null || unfit is not null || onlyLook) return (why, unfit, null, found.Given);

        var changed = state.ScopeOid is null || found.All.Count > 0;
        if (changed)
        {
            (why, unfit) = await _mending.BringInLineAsync(cluster, look, cancellationToken);
            if (why is not null || unfit is not null) return (why, unfit, null, found.Given);
        }

        var plan = await PlanReader.ReadAsync(cluster, part, sizes: false, cancellationToken);
        var onRecord = PlanOnRecord.Of(plan);
        // The mark was read before the comparison: a change in between makes the next one differ.
        if (!changed) _inLine[(part.Target.Cluster, part.Role)] = (mark, at, onRecord);
        return (null, null, onRecord, found.Given);
    }

    /// <summary>One that is there already and was not put aside.</summary>
    private static async Task<string?> NextAsync(
            ClusterConnection cluster, ScopePart part, List<string> aside, CancellationToken cancellationToken) =>
        (await cluster.RowsAsync(ScopeHands.Sound(cluster.Major),
            [part.Tag, part.FirstRole, aside.ToArray(), RoleTag.LoginPrefix(part.Installation), RoleTag.Escrow(part.Installation)],
            row => row.GetString(0), cancellationToken)).Find(name => RoleName.IsOrAnother(name, part.FirstRole));

    private (string Mark, PlanOnRecord Plan)? Known(ScopePart part) =>
        part.CanBeMarked && _inLine.TryGetValue((part.Target.Cluster, part.Role), out var known)
            && clock.GetElapsedTime(known.At) < MarkLifetime ? (known.Mark, known.Plan) : null;
}
