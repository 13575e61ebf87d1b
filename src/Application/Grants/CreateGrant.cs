using DbAccess.Application.Evidence;
using System.Diagnostics;
using DbAccess.Application.Approvals;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Approvals;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using DbAccess.Domain.Scopes;
using FluentValidation;
using MediatR;

namespace DbAccess.Application.Grants;

/// <summary>What was filed.</summary>
public sealed record GrantFiled(GrantId Id, DatabaseName Database, ScopeName Scope, TimeSpan Duration, string Rule)
{
    /// <summary>The tables that it is narrowed to, in words; null for the whole scope.</summary>
    public string? Only { get; init; }

    /// <summary>The owner that sessions will act as, or null.</summary>
    public string? ActsAs { get; init; }

    public bool HighRisk { get; init; }

    /// <summary>They have this already: nothing new was filed.</summary>
    public bool Already { get; init; }

    /// <summary>Who has to agree first: <c>1 of dba, then 2 of security</c>; null when nobody has.</summary>
    public string? Waits { get; init; }

    /// <summary>When nobody has decided by then, it is over.</summary>
    public DateTimeOffset? LapsesAt { get; init; }

    public DateTimeOffset? StartsAt { get; init; }

    /// <summary>Taken without asking; those who review it.</summary>
    public string? Review { get; init; }

    /// <summary>What whoever holds it is called, when somebody else asked.</summary>
    public string? For { get; init; }

    /// <summary>When it ends, if that is known yet.</summary>
    public DateTimeOffset? Expiry { get; init; }

    public static GrantFiled Of(GrantSnapshot grant) =>
        new(grant.Id, grant.Target.Name, grant.Scope.Name, grant.Duration, grant.Rule)
        {
            Only = GrantWords.Only(grant.Scope),
            ActsAs = grant.Scope.RunAs,
            HighRisk = grant.Scope.HighRisk,
            Expiry = grant.Window?.Expiry,
            Waits = grant is { Status: GrantStatus.Pending, Asking: { } asking }
                ? ApprovalErrors.Words(asking.Stages) : null,
            LapsesAt = grant.Status is GrantStatus.Pending ? grant.Asking?.LapsesAt : null,
            StartsAt = grant.StartsAt,
            Review = grant.Review is { } review ? ApprovalErrors.Words(review.Reviewers) : null,
            For = grant.AskedBy is null ? null : grant.Handle,
        };
}

/// <summary>
/// Asks for access. The policy decides: what it allows at once is on record when this returns, and is made behind; for the rest those whom
/// the rule names are asked.
/// </summary>
/// <param name="RequestKey">The same for every copy of the same request: done twice, it answers with the grant it made the first
/// time.</param>
public sealed record CreateGrant(string RequestKey, PrincipalId Requester, AccessWish Wish) : IRequest<Result<GrantFiled>>, IAudited
{
    /// <summary>As much as Slack's own text field takes.</summary>
    public const int LongestReason = 3000;

    /// <summary>Who asks on behalf of the requester; null when they ask themselves.</summary>
    public PrincipalId? AskedBy { get; init; }

    public Actor By => new Actor.Person(AskedBy ?? Requester);

    public string Subject => $"{Wish.Database}/{Wish.Scope}";

    internal sealed class Validator : AbstractValidator<CreateGrant>
    {
        public Validator()
        {
            RuleFor(command => command.Wish.Reason)
                .Must(reason => !string.IsNullOrWhiteSpace(reason)).WithMessage("Say why you need it: the reason goes on the audit record.")
                .MaximumLength(LongestReason)
                    .WithMessage($"The reason is longer than {LongestReason} characters; put the details into the ticket.")
                .Must(reason => !reason.Contains('\0', StringComparison.Ordinal))
                    .WithMessage("The reason holds a character that cannot be stored (NUL).");
            RuleFor(command => command.Wish.Only)
                .Must(only => only.Count <= TableMention.Most)
                    .WithMessage(
                    $"A request can be narrowed to {TableMention.Most} tables at most; ask for the whole scope, or for a scope of its " +
                    "own.");
            RuleFor(command => command.Wish.Duration)
                .Must(duration => duration is null || (duration > TimeSpan.Zero && duration <= Durations.Longest))
                .WithMessage("The length must be more than nothing and no more than a year: 45s, 30m, 2h, 1h30m, 1d.");
        }
    }

    internal sealed class Handler(
            RequestJudge judge, TableCheck tables, PersonalLimits personal, GrantSeal seal, IGrantStore store,
            IGrantDispatcher dispatcher, Installation installation, TimeProvider clock)
        : IRequestHandler<CreateGrant, Result<GrantFiled>>
    {
        private const int IdTries = 20;

        public async Task<Result<GrantFiled>> Handle(CreateGrant command, CancellationToken cancellationToken)
        {
            // Asked before: the same request, done again after a crash, gets the same answer, whatever the policy says by now.
            if (await FindFiledAsync(command.RequestKey, cancellationToken) is { } filed) return Filed(filed);

            var now = clock.GetUtcNow();
            var wish = command.Wish.AskedAt(now);
            if (wish.StartsAt > now + AccessWish.FurthestAhead) return GrantErrors.TooFar(now + AccessWish.FurthestAhead);
            if (Asker(command) is { } asker && await judge.StrangerAsync(asker, cancellationToken) is { } stranger) return stranger;
            var judged = await judge.JudgeAsync(command.Requester, wish, now, cancellationToken);
            if (judged.Refusal is { } refusal) return refusal;

            var (handle, terms, policyHash, _) = judged.Value;
            if (AttemptNotes.Current is { } notes) notes.Rule = terms.Rule.Id;
            var open = await personal.OpenAsync(command.Requester, cancellationToken);
            if (!wish.Another && open.FirstOrDefault(grant => IsTheSame(grant.State, terms, wish)) is { } twinOfOurs)
                return GrantFiled.Of(twinOfOurs.State) with { Already = true };
            if (await personal.TooManyAsync(Asker(command), open, cancellationToken) is { } tooMany) return tooMany;
            if (await tables.RefusalOfAsync(terms, cancellationToken) is { } mistyped) return mistyped;

            if (await personal.RefusalOfAsync(command.Requester, Asker(command), terms, open, now, cancellationToken) is { } mayNot)
                return mayNot;

            var request = new GrantRequest(
                command.RequestKey, command.Requester, handle, terms.Target, terms.Scope, terms.Duration,
                wish.Reason.Trim(), terms.Ticket, terms.Rule.Id, policyHash, Activity.Current?.Id)
            {
                AskedBy = Asker(command), StartsAt = wish.StartsAt, BreakGlass = terms.Rule.BreakGlass,
            };
            for (var attempt = 0; attempt < IdTries; attempt++)
            {
                var id = GrantId.Derive(request.Key, attempt);
                var grant = seal.Seal(terms.Rule.Approval is { } approval
                    ? Grant.RequestApproval(id, installation.Name, request, Asking.Of(approval, now), now)
                    : Grant.RequestAllowed(id, installation.Name, request, now));
                if (await store.AddAsync(grant, cancellationToken) is SaveOutcome.Saved) return Filed(grant);

                // The id is taken: by this very request, done at the same moment elsewhere, or by an unrelated grant.
                if (await FindFiledAsync(request.Key, cancellationToken) is { } twin) return Filed(twin);
            }

            throw new InvalidOperationException("No free grant id was found.");
        }

        private static PrincipalId? Asker(CreateGrant command) => command.AskedBy == command.Requester ? null : command.AskedBy;

        private async Task<Grant?> FindFiledAsync(string key, CancellationToken cancellationToken)
        {
            for (var attempt = 0; attempt < IdTries; attempt++)
            {
                if (await store.FindAsync(GrantId.Derive(key, attempt), cancellationToken) is not { } grant) return null;
                if (grant.State.RequestKey == key) return grant;
            }

            return null;
        }

        // Another reason is another request: two incidents may want the same access, and end at different times. In an emergency what waits
        // for approval is no answer.
        private static bool IsTheSame(GrantSnapshot grant, AccessVerdict.Terms terms, AccessWish wish) => grant.Target == terms.Target
            && grant.Reason.Equals(wish.Reason.Trim(), StringComparison.OrdinalIgnoreCase)
            && grant.BreakGlass == wish.BreakGlass && grant.StartsAt == wish.StartsAt
            && grant.Scope.Name == terms.Scope.Name && grant.Scope.NarrowedTo.SequenceEqual(terms.Scope.NarrowedTo, StringComparer.Ordinal);

        // From the record and not from the command: the same request done again is answered with what was filed.
        private GrantFiled Filed(Grant grant)
        {
            dispatcher.Dispatch(grant.Id);
            if (AttemptNotes.Current is { } notes) notes.Grant = grant.Id;
            return GrantFiled.Of(grant.State);
        }
    }
}
