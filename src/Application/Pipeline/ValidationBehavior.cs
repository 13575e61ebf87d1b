using DbAccess.Domain;
using FluentValidation;
using MediatR;

namespace DbAccess.Application.Pipeline;

/// <summary>Refuses what no handler should have to look at.</summary>
internal sealed class ValidationBehavior<TRequest, TResponse>(IEnumerable<IValidator<TRequest>> validators)
    : IPipelineBehavior<TRequest, TResponse>
    where TRequest : notnull
    where TResponse : IOutcome<TResponse>
{
    public async Task<TResponse> Handle(TRequest request, CancellationToken cancellationToken, RequestHandlerDelegate<TResponse> next)
    {
        foreach (var validator in validators)
        {
            var outcome = await validator.ValidateAsync(request, cancellationToken);
            if (!outcome.IsValid) return TResponse.Refuse(new Error("request.invalid", outcome.ToString(" ")));
        }

        return await next();
    }
}
