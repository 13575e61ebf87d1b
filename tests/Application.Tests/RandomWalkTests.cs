using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using DbAccess.TestKit;
using DbAccess.TestKit.Fakes;

namespace DbAccess.Application.Tests;

/// <summary>
/// People ask, give back and revoke, workers work, die and are frozen at any call, the chat and the server come and go, and time passes, all at
/// random. Whatever happens, some things are never so; and once everything works again, everything comes to its end. A failure names its seed.
/// </summary>
public sealed class RandomWalkTests
{
    private const int Runs = 300;
    private const int Steps = 60;

    private static readonly PrincipalId[] People = [Some.Engineer, Some.OtherEngineer];
    private static readonly TimeSpan[] Durations = [TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(20), TimeSpan.FromHours(1), TimeSpan.FromHours(4)];
    private static readonly TimeSpan[] Pauses = [TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(46), TimeSpan.FromMinutes(2), TimeSpan.FromMinutes(20), TimeSpan.FromHours(1)];

    [Fact]
    public async Task Whatever_happens_nothing_leaks_and_everything_comes_to_its_end()
    {
        var reached = new Dictionary<GrantStatus, int>();
        for (var seed = 1; seed <= Runs; seed++)
        {
            var walk = new Walk(seed);
            try
            {
                await walk.GoAsync(Steps);
                foreach (var grant in walk.Ends) reached[grant.Status] = reached.GetValueOrDefault(grant.Status) + 1;
            }
            catch (Exception fault)
            {
                Assert.Fail($"Seed {seed}, {string.Join(", ", walk.Log)}: {fault.Message}\n{fault}");
            }
        }

        // A walk that only ever did one thing would prove little.
        Assert.True(reached.GetValueOrDefault(GrantStatus.Ended) > 500 && reached.GetValueOrDefault(GrantStatus.Failed) > 200, string.Join(", ", reached));
    }

    private sealed class Walk
    {
        private readonly Random _random;
        private readonly Stage _stage = new();
        private readonly Worker[] _workers;
        private int _nested;

        public Walk(int seed)
        {
            _random = new Random(seed);
            _stage.Log.Off = true;
            _workers = [_stage.First, _stage.Start()];
        }

        public List<string> Log { get; } = [];

        public IReadOnlyList<GrantSnapshot> Ends => _stage.Store.Stored;

        public async Task GoAsync(int steps)
        {
            for (var step = 0; step < steps; step++)
            {
                await StepAsync();
                Check();
            }

            Recover();
            await _stage.SettleAsync(_workers[0], _stage.Now.AddMinutes(70));
            Log.Add("recovered");
            CheckSettled();

            await _stage.SettleAsync(_workers[1], DateTimeOffset.MaxValue);
            Log.Add("settled");
            Check();
            Assert.Empty(_stage.Roles.Roles);
            Assert.All(_stage.Store.Stored, grant =>
            {
                Assert.Contains(grant.Status, (GrantStatus[])[GrantStatus.Ended, GrantStatus.Failed]);
                Assert.Null(grant.DueAt);
                Assert.Null(grant.CredentialsMessage);
            });
        }

        private async Task StepAsync()
        {
            switch (_random.Next(17))
            {
                case 16 when Any() is { } grant:
                    Say($"new password {grant.Id}");
                    await _stage.First.SendAsync(new RenewPassword(grant.Requester, grant.Id));
                    break;
                case 0 or 1:
                    Say("create");
                    await _stage.First.SendAsync(Stage.Ask(requester: Pick(People), duration: Pick(Durations)));
                    break;
                case 2 when Any() is { } grant:
                    Say($"return {grant.Id}");
                    await _stage.First.SendAsync(new ReturnGrant(grant.Requester, _random.Next(4) == 0 ? null : grant.Id));
                    break;
                case 3 when Any() is { } grant:
                    Say($"revoke {grant.Id}");
                    await _stage.First.SendAsync(new RevokeGrant(new Actor.Person(Some.Dba), new RevokeTarget.One(grant.Id), "incident over"));
                    break;
                case 4 or 5 or 6:
                    var pause = Pick(Pauses);
                    Say($"wait {pause}");
                    _stage.Clock.Advance(pause);
                    break;
                case 7:
                    Chat();
                    break;
                case 8:
                    Server();
                    break;
                case 9 or 10:
                    await WorkAsync(Pick(_workers), diesAt: _random.Next(40));
                    break;
                case 11 when _nested == 0:
                    await FrozenAsync(_workers[0], _workers[1]);
                    break;
                default:
                    await WorkAsync(Pick(_workers), diesAt: null);
                    break;
            }
        }

        /// <summary>A sweep, one grant after the other so that a seed always plays the same, perhaps cut short by a death.</summary>
        private async Task WorkAsync(Worker worker, int? diesAt)
        {
            Say(diesAt is null ? "work" : $"work, die at {diesAt}");
            var due = (await _stage.Store.ListDueAsync(_stage.Now, 100, TestContext.Current.CancellationToken)).Select(grant => grant.Id).ToList();
            async Task Step()
            {
                foreach (var id in due) await worker.ProvisionAsync(id);
            }

            if (diesAt is { } boundary) await worker.DiesAtAsync(boundary, Step);
            else await Step();
        }

        /// <summary>One worker stands still at some call, and the world goes on around it.</summary>
        private async Task FrozenAsync(Worker frozen, Worker other)
        {
            var (at, passed) = (_random.Next(30), 0);
            Say($"freeze at {at}");
            _nested++;
            frozen.Gate.At = async _ =>
            {
                if (passed++ != at) return;

                frozen.Gate.At = null;
                for (var i = 0; i < 4; i++)
                {
                    switch (_random.Next(3))
                    {
                        case 0:
                            _stage.Clock.Advance(Pick(Pauses));
                            break;
                        case 1:
                            await WorkAsync(other, null);
                            break;
                        default:
                            if (Any() is { } grant) await other.SendAsync(new ReturnGrant(grant.Requester, grant.Id));
                            break;
                    }
                }
            };
            await WorkAsync(frozen, null);
            frozen.Gate.At = null;
            _nested--;
            Say("thaw");
        }

        private void Chat()
        {
            var way = _random.Next(8);
            Say($"chat {way}");
            switch (way)
            {
                case 0: _stage.Delivery.IsUnknown(TimeSpan.FromSeconds(5)); break;
                case 1: _stage.Delivery.Breaks(); break;
                case 2: _stage.Delivery.CannotReach(); break;
                case 3: _stage.Chat.IsBusy(); break;
                case 4: _stage.Chat.Breaks(); break;
                case 5: _stage.Chat.RefusesForGood(); break;
                default: (_stage.Delivery.Answer, _stage.Chat.Answer) = (() => null, () => null); break;
            }
        }

        private void Server()
        {
            var way = _random.Next(9);
            Say($"server {way}");
            switch (way)
            {
                case 0: _stage.Roles.MakingFails = _ => FakeRoleAdministrator.NotNow(); break;
                case 1: _stage.Roles.MakingFails = _ => FakeRoleAdministrator.Impossible(); break;
                case 2: _stage.Roles.ThrowAfterMaking = new IOException("The connection was lost."); break;
                case 3:
                    // Somebody else has the name, which cannot be while the role is ours.
                    _stage.Roles.MakingFails = order =>
                    {
                        if (_stage.Roles.Find(order.Role) is not null) return null;
                        _stage.Roles.MakingFails = null;
                        return new RoleMaking.NameTaken();
                    };
                    break;
                case 4: _stage.Roles.RemovalFails = _ => FakeRoleAdministrator.RemovalNotNow(); break;
                case 5: _stage.Roles.RemovalFails = _ => new RoleRemoval.LockedOut(new RemovalReceipt(_stage.Now, 0, _stage.Now, null, Existed: true, []), ["a table"]); break;
                case 6: _stage.Store.LoseNextRace(); break;
                case 7: _stage.Roles.SettingFails = new Error("postgres.unreachable", "It does not answer."); break;
                default: (_stage.Roles.MakingFails, _stage.Roles.RemovalFails, _stage.Roles.SettingFails) = (null, null, null); break;
            }
        }

        private void Recover()
        {
            (_stage.Roles.MakingFails, _stage.Roles.RemovalFails, _stage.Roles.ThrowAfterMaking, _stage.Roles.SettingFails) = (null, null, null, null);
            (_stage.Delivery.Answer, _stage.Chat.Answer) = (() => null, () => null);
        }

        /// <summary>True at every moment.</summary>
        private void Check()
        {
            foreach (var grant in _stage.Store.Stored)
            {
                if (grant.EndedAt is null) Assert.True(grant.StepDueAt is not null, $"{grant.Id} ({grant.Status}) is forgotten.");
                else Assert.True(grant.StepDueAt is null, $"{grant.Id} ({grant.Status}) is over and still has a step.");
                Assert.True(grant.Notices.Count > 0 == grant.NoticeDueAt is not null, $"{grant.Id}: {grant.Notices.Count} notices, due {grant.NoticeDueAt}.");
            }

            foreach (var role in _stage.Roles.Roles)
            {
                var holding = _stage.Delivery.Attempted.Count(sent => sent.Credential.Role == role.Order.Role && sent.Credential.Password.Reveal() == role.Password);
                Assert.True(holding <= 1, $"{holding} messages hold the password of {role.Order.Role}.");

                // Recognisable by whoever comes next: on record by name.
                var owner = _stage.Store.Stored.Single(grant => grant.Id == role.Order.Grant);
                Assert.True(owner.Role == role.Order.Role && owner.EndedAt is null, $"{role.Order.Role} is on no record ({owner.Id} is {owner.Status}).");
            }
        }

        /// <summary>True once everything works again and every pause and lease is over.</summary>
        private void CheckSettled()
        {
            Check();
            foreach (var role in _stage.Roles.Roles)
                Assert.True(_stage.Of(role.Order.Grant).Status is GrantStatus.Active, $"{role.Order.Role} lives on; its grant is {_stage.Of(role.Order.Grant).Status}.");
            foreach (var grant in _stage.Store.Stored.Where(grant => grant.EndedAt is null))
            {
                Assert.Equal(GrantStatus.Active, grant.Status);
                Assert.True(_stage.Now < grant.Window!.Expiry, $"{grant.Id} is active past its end.");
                // Whose new password did not come was told so, and can ask again.
                if (grant.Trouble is null) Assert.Contains(_stage.Delivery.Delivered, sent => sent.Grant == grant.Id && _stage.Roles.CanLogIn(sent.Credential.Role, sent.Credential.Password.Reveal()));
            }
        }

        private GrantSnapshot? Any() => _stage.Store.Stored is { Count: > 0 } stored ? stored[_random.Next(stored.Count)] : null;

        private T Pick<T>(T[] choices) => choices[_random.Next(choices.Length)];

        private void Say(string what) => Log.Add(what);
    }
}
