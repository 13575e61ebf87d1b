using DbAccess.Domain;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Principals;
using MediatR;

namespace DbAccess.Application.Evidence;

/// <summary>
/// A verb of the command line was begun. What it does is recorded by itself; that it was called, also when nothing came of it, stands here.
/// It never fails: whoever is at the machine to take access away is not held up by a record that cannot be written.
/// </summary>
/// <param name="Name">As typed: <c>sweep</c>, <c>store init</c>.</param>
/// <param name="Arguments">What stood behind it. No secret comes that way.</param>
public sealed record RecordVerb(string Name, Actor By, IReadOnlyList<string> Arguments) : IRequest<Result>
{
    internal sealed class Handler(LateRecords records, TimeProvider clock) : IRequestHandler<RecordVerb, Result>
    {
        public async Task<Result> Handle(RecordVerb command, CancellationToken cancellationToken)
        {
            await records.RecordAsync(new LogEvent
            {
                At = clock.GetUtcNow(), Type = $"verb.{command.Name.Replace(' ', '_')}", By = command.By, Way = Way.Current,
                Trace = Way.Trace,
                // A reason may stand in it.
                What = command.Arguments.Count == 0 ? [] : [new Fact.Sealed("arguments", string.Join(' ', command.Arguments))],
            });
            return Result.Done;
        }
    }
}
