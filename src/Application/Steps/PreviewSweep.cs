using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using MediatR;

namespace DbAccess.Application.Steps;

/// <summary>What a sweep would do now, one line for each due grant.</summary>
public sealed record SweepPreview(IReadOnlyList<string> Lines);

/// <summary>Looks at what is due and takes no step.</summary>
/// <param name="Postponed">Also at what was put off until later, as <see cref="SweepGrants"/> would take it.</param>
public sealed record PreviewSweep(bool Postponed = false) : IRequest<Result<SweepPreview>>
{
    internal sealed class Handler(IGrantStore store, TimeProvider clock) : IRequestHandler<PreviewSweep, Result<SweepPreview>>
    {
        private const int Most = 10_000;

        public async Task<Result<SweepPreview>> Handle(PreviewSweep query, CancellationToken cancellationToken)
        {
            var now = clock.GetUtcNow();
            var due = await store.ListDueAsync(now, Most, cancellationToken);
            var later = query.Postponed
                ? (await store.ListLiveAsync(null, Most, cancellationToken)).Where(grant => grant.State.IsPostponed(now)) : [];
            return new SweepPreview([.. due.Concat(later).Select(grant => Line(grant, now))]);
        }

        private static string Line(Grant grant, DateTimeOffset now)
        {
            var state = grant.State;
            var step = state.Step.DueAt <= now || state.IsPostponed(now)
                ? grant.Status switch
                {
                    GrantStatus.Pending => "would lapse",
                    GrantStatus.Approved or GrantStatus.Provisioning when state.AbandonedBecause is not null =>
                        $"its making would be undone (role {state.Role?.Value ?? "none"})",
                    GrantStatus.Approved or GrantStatus.Provisioning => "its role would be made and delivered",
                    GrantStatus.Active when state.Window?.IsOver(now) is true => $"would be ended: role {state.Role} removed",
                    GrantStatus.Active => "its holder would be warned of the end",
                    _ => $"removing role {state.Role} would be tried again (try {state.Step.Attempts + 1})",
                }
                : "its holder would be told";
            return $"{state.Id} ({state.Scope.Name} on {state.Target.Name}): {step}";
        }
    }
}
