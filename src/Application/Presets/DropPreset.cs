using DbAccess.Application.Evidence;
using DbAccess.Domain;
using DbAccess.Domain.Principals;
using MediatR;

namespace DbAccess.Application.Presets;

/// <summary>Keeps something no longer.</summary>
public sealed record DropPreset(PrincipalId Person, string Key) : IRequest<Result>, IAudited
{
    public Actor By => new Actor.Person(Person);

    public string Subject => "preset";

    internal sealed class Handler(PresetShelf shelf) : IRequestHandler<DropPreset, Result>
    {
        public Task<Result> Handle(DropPreset command, CancellationToken cancellationToken) => shelf.ChangeAsync(
            command.Person,
            presets => presets.Any(preset => preset.Key == command.Key)
                ? Result<IReadOnlyList<Preset>>.Of([.. presets.Where(preset => preset.Key != command.Key)]) : PresetShelf.Gone,
            cancellationToken);
    }
}
