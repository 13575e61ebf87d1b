using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using FluentValidation;
using MediatR;

namespace DbAccess.Application.Presets;

/// <summary>Keeps what was asked for once under a name; what had that name before is replaced. Safe to repeat.</summary>
public sealed record KeepPreset(PrincipalId Person, GrantId Id, string Name) : IRequest<Result<Preset>>, IAudited
{
    public Actor By => new Actor.Person(Person);

    public string Subject => Id.ToString();

    internal sealed class Validator : AbstractValidator<KeepPreset>
    {
        public Validator() => RuleFor(command => command.Name.Trim())
            .Must(name => name.Length is > 0 and <= Preset.LongestName && !name.Any(char.IsControl))
            .WithMessage($"A name is 1 to {Preset.LongestName} characters on one line.");
    }

    internal sealed class Handler(IGrantStore store, PresetShelf shelf) : IRequestHandler<KeepPreset, Result<Preset>>
    {
        public async Task<Result<Preset>> Handle(KeepPreset command, CancellationToken cancellationToken)
        {
            if (await store.FindAsync(command.Id, cancellationToken) is not { State: var grant })
                return GrantErrors.Unknown(command.Id.ToString());
            if (command.Person != grant.Requester && command.Person != grant.AskedBy) return GrantErrors.NotAsker(command.Id);
            if (grant.BreakGlass)
                return new Error("preset.break_glass", "What is for emergencies is asked for anew each time, and not kept as a preset.");

            var preset = Preset.Of(grant, command.Name.Trim());
            var kept = await shelf.ChangeAsync(command.Person, presets =>
            {
                IReadOnlyList<Preset> others =
                    [.. presets.Where(other => !other.Name.Equals(preset.Name, StringComparison.OrdinalIgnoreCase))];
                return others.Count >= PresetShelf.Most
                    ? new Error("preset.full",
                        $"You keep {PresetShelf.Most} presets, which is all there is room for. Remove one on the app's Home tab first.")
                    : Result<IReadOnlyList<Preset>>.Of([.. others, preset]);
            }, cancellationToken);
            return kept.Refusal is { } refusal ? refusal : preset;
        }
    }
}
