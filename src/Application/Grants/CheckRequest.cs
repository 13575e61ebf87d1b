using DbAccess.Domain;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using FluentValidation;
using MediatR;

namespace DbAccess.Application.Grants;

/// <summary>Would this request be filed? Files nothing; lets a form show a mistake beside its field while it is still open.</summary>
public sealed record CheckRequest(PrincipalId Requester, AccessWish Wish) : IRequest<Result>
{
    internal sealed class Validator : AbstractValidator<CheckRequest>
    {
        public Validator() => RuleFor(query => query.Wish.Reason)
            .MaximumLength(CreateGrant.LongestReason)
                .WithMessage($"The reason is longer than {CreateGrant.LongestReason} characters; put the details into the ticket.");
    }

    internal sealed class Handler(RequestJudge judge, TableCheck tables, TimeProvider clock) : IRequestHandler<CheckRequest, Result>
    {
        public async Task<Result> Handle(CheckRequest query, CancellationToken cancellationToken)
        {
            var now = clock.GetUtcNow();
            var judged = await judge.JudgeAsync(query.Requester, query.Wish.AskedAt(now), now, cancellationToken);
            if (judged.Refusal is { } refusal) return refusal;

            return await tables.RefusalOfAsync(judged.Value.Terms, cancellationToken) is { } mistyped ? mistyped : Result.Done;
        }
    }
}
