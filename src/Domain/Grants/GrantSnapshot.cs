using DbAccess.Domain.Approvals;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Principals;
using DbAccess.Domain.Scopes;

namespace DbAccess.Domain.Grants;

/// <summary>
/// Everything a grant remembers, as a value: what a store keeps and gives back. It holds no secret and no rule; the rules are in
/// <see cref="Grant"/>.
/// </summary>
public sealed record GrantSnapshot
{
    public required GrantId Id { get; init; }

    /// <summary>The number of saves so far; a save of any other version than the stored one has lost a race. 0 until first saved.</summary>
    public required long Version { get; init; }

    public required GrantStatus Status { get; init; }

    /// <summary>Which installation of the product this grant belongs to: the tag on its role.</summary>
    public required string Installation { get; init; }

    /// <summary>The key of the request that made it; the same request again finds this grant instead of making another.</summary>
    public required string RequestKey { get; init; }

    /// <summary>
    /// The trace that the request came with (W3C traceparent), so that the log lines of every later step, days after, carry the same id.
    /// Null when there was none.
    /// </summary>
    public string? Correlation { get; init; }

    public required PrincipalId Requester { get; init; }

    /// <summary>How the requester is called in role names and lists; for reading, never for deciding.</summary>
    public required string Handle { get; init; }

    public required DatabaseTarget Target { get; init; }

    /// <summary>The privileges as they were when the grant was decided.</summary>
    public required PrivilegeScope Scope { get; init; }

    public required string Reason { get; init; }

    public string? Ticket { get; init; }

    public required TimeSpan Duration { get; init; }

    /// <summary>Who asked for it on behalf of the requester, who holds it; null when they asked themselves.</summary>
    public PrincipalId? AskedBy { get; init; }

    /// <summary>When its time begins; null: as soon as it can.</summary>
    public DateTimeOffset? StartsAt { get; init; }

    /// <summary>Taken without asking, in an emergency, with a <see cref="Review"/> that is owed for it.</summary>
    public bool BreakGlass { get; init; }

    /// <summary>What approvers are, or were, asked; null when a rule decides alone. Of an extension while one is asked for.</summary>
    public Asking? Asking { get; init; }

    /// <summary>The length by which its holder asks to have it longer, while approvers have not decided about that; null mostly.</summary>
    public TimeSpan? ExtendBy { get; init; }

    /// <summary>How many times it was made longer, and by how much in all.</summary>
    public int Extensions { get; init; }

    public TimeSpan Extended { get; init; }

    /// <summary>The key of the last request to have it longer: the same request again is done already. Null before the first one.</summary>
    public string? ExtensionKey { get; init; }

    /// <summary>The server still keeps an earlier end than the one on record.</summary>
    public bool EndMoved { get; init; }

    /// <summary>What approvers or reviewers see of it; null when nobody is asked.</summary>
    public ApprovalCard? Card { get; init; }

    public ReviewOwed? Review { get; init; }

    /// <summary>The policy rule that allowed it, and the hash of the policy file it stood in.</summary>
    public required string Rule { get; init; }

    public required string PolicyHash { get; init; }

    /// <summary>Over <see cref="GrantTerms"/>: that it was this installation that decided it. Null on grants of earlier versions.</summary>
    public string? Seal { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? ApprovedAt { get; init; }

    /// <summary>Known from the moment a worker starts to make the role.</summary>
    public AccessWindow? Window { get; init; }

    /// <summary>On record before the role exists.</summary>
    public RoleName? Role { get; init; }

    /// <summary>PostgreSQL's own number for the role: names can be taken by others, OIDs are not given twice.</summary>
    public uint? RoleOid { get; init; }

    /// <summary>What the role could do, as it was found on the databases when it was made; null until then.</summary>
    public PlanOnRecord? Plan { get; init; }

    /// <inheritdoc cref="Grants.Step.Attempts"/>
    public int Attempts { get; init; }

    /// <inheritdoc cref="Grants.Step.Trouble"/>
    public string? Trouble { get; init; }

    /// <summary>True once the holder was, or is to be, told that making the role takes longer.</summary>
    public bool ToldOfDelay { get; init; }

    /// <inheritdoc cref="Grants.Step.DueAt"/>
    public DateTimeOffset? StepDueAt { get; init; }

    /// <inheritdoc cref="Grants.Step.Leased"/>
    public bool Leased { get; init; }

    /// <inheritdoc cref="Grants.Step.Since"/>
    public DateTimeOffset? StepSince { get; init; }

    /// <summary>Set when making the role was given up, so that every further try undoes instead of doing.</summary>
    public string? AbandonedBecause { get; init; }

    /// <summary>The last warning before the end was given.</summary>
    public bool Warned { get; init; }

    /// <summary>The first one was.</summary>
    public bool WarnedEarly { get; init; }

    /// <summary>
    /// Its password is shown instead of sent, and its time begins with that: until then it waits, and is given back by itself at this
    /// moment. Null where the password is sent.
    /// </summary>
    public DateTimeOffset? RevealBy { get; init; }

    /// <summary>A password that its holder asked for; null mostly.</summary>
    public PasswordAsk? Password { get; init; }

    /// <summary>Where its holder finds the databases; null until the role was made, and on grants of earlier versions.</summary>
    public Door? Door { get; init; }

    public EndReason? EndReason { get; init; }

    /// <summary>
    /// What whoever ended it early is called, and why they did; for the holder to read, never for deciding. Null when nobody did.
    /// </summary>
    public string? EndedBy { get; init; }

    public string? EndNote { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>The message that holds the credentials, to be removed at the end.</summary>
    public MessageRef? CredentialsMessage { get; init; }

    public RemovalReceipt? Receipt { get; init; }

    /// <summary>Why the role cannot be removed yet, in words, each with what mends it.</summary>
    public IReadOnlyList<string> Blockers { get; init => field = value ?? []; } = [];

    /// <inheritdoc cref="Grants.Owed.Kinds"/>
    public IReadOnlyList<NoticeKind> Notices { get; init => field = value ?? []; } = [];

    /// <inheritdoc cref="Grants.Owed.DueAt"/>
    public DateTimeOffset? NoticeDueAt { get; init; }

    /// <inheritdoc cref="Grants.Owed.Attempts"/>
    public int NoticeAttempts { get; init; }

    /// <summary>How many events the grant has so far.</summary>
    public int Events { get; init; }

    /// <summary>The step that is left, as one value; a store keeps its parts side by side.</summary>
    public Step Step => new(StepDueAt, StepSince, Leased, Attempts, Trouble);

    /// <summary>What is still to be told, as one value; a store keeps its parts side by side.</summary>
    public Owed Owed => new(Notices, NoticeDueAt, NoticeAttempts);

    public GrantSnapshot With(Step step) => this with
    {
        StepDueAt = step.DueAt, StepSince = step.Since, Leased = step.Leased, Attempts = step.Attempts, Trouble = step.Trouble,
    };

    public GrantSnapshot With(Owed owed) => this with { Notices = owed.Kinds, NoticeDueAt = owed.DueAt, NoticeAttempts = owed.Attempts };

    /// <summary>How long what is to be done has been waiting, tries that failed included; nothing when it is not wanted yet.</summary>
    public TimeSpan LatenessAt(DateTimeOffset now)
    {
        var step = Step.DueAt is null ? null : Step.Since ?? Step.DueAt;
        var since = step is null || Owed.DueAt < step ? Owed.DueAt : step;
        return since < now ? now - since.Value : TimeSpan.Zero;
    }

    /// <summary>When something is to be done for this grant; null when nothing is left to do. This is what a sweep reads.</summary>
    public DateTimeOffset? DueAt => Earliest(Earliest(Step.DueAt, Owed.DueAt), Earliest(Card?.DueAt, Review?.LateAt));

    private static DateTimeOffset? Earliest(DateTimeOffset? one, DateTimeOffset? other) => one < other || other is null ? one : other;

    /// <summary>A making or a removal that did not work and waits for its next try; nobody holds it.</summary>
    public bool IsPostponed(DateTimeOffset now) =>
        Step is { Leased: false, Attempts: > 0 } && Step.DueAt > now
            && Status is (GrantStatus.Approved or GrantStatus.Provisioning or GrantStatus.Revoking or GrantStatus.Quarantined);
}
