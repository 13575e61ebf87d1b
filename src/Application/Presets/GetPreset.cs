using DbAccess.Domain;
using DbAccess.Domain.Principals;
using MediatR;

namespace DbAccess.Application.Presets;

/// <summary>What somebody keeps, by what its button carries. Whether they may have it is decided when they ask.</summary>
public sealed record GetPreset(PrincipalId Person, string Key) : IRequest<Result<Preset>>
{
    internal sealed class Handler(PresetShelf shelf) : IRequestHandler<GetPreset, Result<Preset>>
    {
        public async Task<Result<Preset>> Handle(GetPreset query, CancellationToken cancellationToken) =>
            (await shelf.ListAsync(query.Person, cancellationToken)).FirstOrDefault(preset => preset.Key == query.Key) is { } found
                ? found : PresetShelf.Gone;
    }
}
