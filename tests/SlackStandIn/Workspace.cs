using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace DbAccess.SlackStandIn;

/// <summary>A message as Slack stores it. Deleting empties it: what the app took back is gone here too.</summary>
internal sealed class Message
{
    public required string Channel { get; init; }
    public required string Ts { get; init; }
    public required string Author { get; init; }
    public required bool FromApp { get; init; }
    public string? ThreadTs { get; init; }
    /// <summary>The only person who sees it; null for an ordinary message.</summary>
    public string? EphemeralFor { get; init; }
    public string? ClientMessageId { get; init; }
    public JsonObject? Metadata { get; set; }
    public string Text { get; set; } = "";
    public JsonArray? Blocks { get; set; }
    public bool Edited { get; set; }
    public bool Deleted { get; set; }
    public JsonArray History { get; } = [];

    public JsonObject Describe() => new()
    {
        ["channel"] = Channel,
        ["ts"] = Ts,
        ["user"] = Author,
        ["from_app"] = FromApp,
        ["thread_ts"] = ThreadTs,
        ["text"] = Text,
        ["blocks"] = Blocks?.Copy(),
        ["ephemeral"] = EphemeralFor is not null,
        ["edited"] = Edited,
        ["deleted"] = Deleted,
        ["metadata"] = Metadata?.Copy(),
        ["client_msg_id"] = ClientMessageId,
        ["history"] = History.Copy(),
    };
}

internal sealed class Channel
{
    public required string Id { get; init; }
    public required string Name { get; set; }
    public bool IsPrivate { get; set; }
    public bool IsArchived { get; set; }
    public bool IsExtShared { get; set; }
    public bool AppIsMember { get; set; }
    /// <summary>The person of a direct message with the app; null for a channel.</summary>
    public string? DirectWith { get; init; }
    public HashSet<string> Members { get; } = new(StringComparer.Ordinal);

    public string NameInCommands => DirectWith is not null ? "directmessage" : IsPrivate ? "privategroup" : Name;

    public JsonObject Describe() => new()
    {
        ["id"] = Id, ["name"] = Name, ["private"] = IsPrivate, ["archived"] = IsArchived, ["app_is_member"] = AppIsMember,
        ["members"] = new JsonArray([.. Members.Order(StringComparer.Ordinal).Select(member => (JsonNode)member)]),
    };
}

/// <summary>A modal that is open, or a person's Home tab.</summary>
internal sealed class View
{
    public required string Id { get; init; }
    public required string User { get; init; }
    public required string RootId { get; init; }
    public string? PreviousId { get; init; }
    public required JsonObject Definition { get; set; }
    public required string Hash { get; set; }
    /// <summary>state.values as Slack keeps it: by block, then by action.</summary>
    public JsonObject Values { get; set; } = [];
    /// <summary>What the app suggested for its searches so far: by block, then by action, lists of options.</summary>
    public JsonObject Offered { get; } = [];
    public JsonObject Errors { get; set; } = [];
    public string? Trouble { get; set; }
}

internal enum TriggerUse
{
    Good,
    Unknown,
    Used,
    Expired,
}

/// <summary>
/// Everything this workspace knows. One lock around all of it (<see cref="Gate"/>): callers hold it while they look and change,
/// never while they wait for the network. JSON that leaves is a copy.
/// </summary>
internal sealed class Workspace
{
    private const int OldestCallsKept = 5000;

    private readonly TimeProvider _clock;
    private readonly TimeSpan _triggerLife;
    private readonly Dictionary<string, SeedUser> _users;
    private readonly Dictionary<string, Channel> _channels = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SeedUsergroup> _usergroups;
    private readonly List<Message> _messages = [];
    private readonly Notifications _notifications = new();
    private readonly Dictionary<string, List<View>> _modals = new(StringComparer.Ordinal);
    private readonly Dictionary<string, View> _homes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (string User, DateTimeOffset IssuedAt, bool Used)> _triggers = new(StringComparer.Ordinal);
    private readonly List<JsonObject> _calls = [];
    private readonly List<JsonObject> _deliveries = [];
    private long _lastTs;
    private int _serial = 9000;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Workspace(Seed seed, StandInOptions options)
    {
        Seed = seed;
        (_clock, _triggerLife) = (options.Clock, options.Patience);
        _users = seed.Users.ToDictionary(user => user.Id, StringComparer.Ordinal);
        _users[seed.App.BotUserId] = new SeedUser(seed.App.BotUserId, seed.App.BotName) { RealName = seed.App.Name, IsBot = true };
        _usergroups = seed.Usergroups.ToDictionary(group => group.Id, StringComparer.Ordinal);
        foreach (var channel in seed.Channels)
        {
            var made = new Channel
            {
                Id = channel.Id,
                Name = channel.Name,
                IsPrivate = channel.IsPrivate,
                IsArchived = channel.IsArchived,
                IsExtShared = channel.IsExtShared,
                AppIsMember = channel.AppIsMember,
            };
            made.Members.UnionWith(channel.Members);
            _channels[made.Id] = made;
        }
    }

    public Lock Gate { get; } = new();
    public Seed Seed { get; }
    public int Version { get; private set; } = 1;
    public IReadOnlyList<SeedUser> Users
    {
        get
        {
            lock (Gate) return [.. _users.Values];
        }
    }

    public IReadOnlyList<Channel> Channels
    {
        get
        {
            lock (Gate) return [.. _channels.Values];
        }
    }

    public IEnumerable<Message> Messages => _messages;
    public DateTimeOffset Now => _clock.GetUtcNow();

    /// <summary>Completes at the next change of anything a person could see.</summary>
    public Task Changed
    {
        get
        {
            lock (Gate) return _changed.Task;
        }
    }

    public void Touch()
    {
        lock (Gate)
        {
            Version++;
            var done = _changed;
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            done.SetResult();
        }
    }

    public SeedUser? User(string? id)
    {
        lock (Gate) return id is not null && _users.TryGetValue(id, out var user) ? user : null;
    }

    /// <summary>By id or, as people call each other, by name.</summary>
    public SeedUser? Person(string? idOrName)
    {
        lock (Gate) return User(idOrName) ?? _users.Values.FirstOrDefault(user => user.Name == idOrName);
    }

    public void Replace(SeedUser user)
    {
        lock (Gate) _users[user.Id] = user;
        Touch();
    }

    public string TeamOf(SeedUser user) => user.TeamId ?? Seed.Team.Id;

    public string DomainOf(SeedUser user) =>
        Seed.OtherTeams.FirstOrDefault(team => team.Id == user.TeamId)?.Domain ?? Seed.Team.Domain;

    public bool IsOutsider(SeedUser user) => TeamOf(user) != Seed.Team.Id;

    public IReadOnlyList<SeedUsergroup> Usergroups
    {
        get
        {
            lock (Gate) return [.. _usergroups.Values];
        }
    }

    public SeedUsergroup? Usergroup(string? id)
    {
        lock (Gate) return id is not null && _usergroups.TryGetValue(id, out var group) ? group : null;
    }

    public void Replace(SeedUsergroup group)
    {
        lock (Gate) _usergroups[group.Id] = group;
        Touch();
    }

    /// <summary>Makes a channel, or changes the one that is there.</summary>
    public Channel Change(string channel, Action<Channel> change)
    {
        Channel known;
        lock (Gate)
        {
            if (!_channels.TryGetValue(channel, out known!)) known = _channels[channel] = new Channel { Id = channel, Name = channel, AppIsMember = true };
            change(known);
        }
        Touch();
        return known;
    }

    public Channel? Channel(string? id)
    {
        lock (Gate) return id is not null && _channels.TryGetValue(id, out var channel) ? channel : null;
    }

    /// <summary>The direct message between the app and this person; opened at the first need, its id follows from the person's.</summary>
    public Channel Direct(string user)
    {
        lock (Gate)
        {
            var id = "D" + user[1..];
            if (_channels.TryGetValue(id, out var open)) return open;
            var channel = new Channel { Id = id, Name = id, DirectWith = user, AppIsMember = true };
            channel.Members.Add(user);
            return _channels[id] = channel;
        }
    }

    public bool IsDirectOpen(string user) => _channels.ContainsKey("D" + user[1..]);

    /// <summary>A time stamp as Slack makes them: seconds, a dot, six digits, never the same twice.</summary>
    public string NextTs()
    {
        lock (Gate)
        {
            var micros = (Now - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
            _lastTs = Math.Max(micros, _lastTs + 1);
            return string.Create(CultureInfo.InvariantCulture, $"{_lastTs / 1_000_000}.{_lastTs % 1_000_000:D6}");
        }
    }

    public int NextSerial() => Interlocked.Increment(ref _serial);

    public static string NewToken(int bytes = 12) => RandomNumberGenerator.GetHexString(bytes * 2, lowercase: true);

    public Message Post(Message message)
    {
        lock (Gate)
        {
            message.History.Add(Entry("posted"));
            _messages.Add(message);
            _notifications.Take(message, Channel(message.Channel)!, _messages, Usergroup);
        }
        Touch();
        return message;
    }

    public JsonArray NotificationsOf(string user)
    {
        lock (Gate) return _notifications.Of(user);
    }

    public void Edit(Message message, string text, JsonArray? blocks, JsonObject? metadata = null)
    {
        lock (Gate)
        {
            message.Metadata = metadata ?? message.Metadata;
            message.Text = text;
            message.Blocks = blocks;
            message.Edited = true;
            message.History.Add(Entry("edited"));
        }
        Touch();
    }

    public void Delete(Message message)
    {
        lock (Gate)
        {
            message.Text = "";
            message.Blocks = null;
            message.Metadata = null;
            message.Deleted = true;
            message.History.Add(Entry("deleted"));
        }
        Touch();
    }

    public Message? Find(string? channel, string? ts)
    {
        lock (Gate) return _messages.Find(message => message.Channel == channel && message.Ts == ts);
    }

    public bool CanSee(string user, Message message) =>
        Channel(message.Channel) is { } channel && channel.Members.Contains(user)
        && (message.EphemeralFor is null || message.EphemeralFor == user);

    public List<Message> VisibleTo(string user)
    {
        lock (Gate) return [.. _messages.Where(message => CanSee(user, message))];
    }

    public string IssueTrigger(string user)
    {
        lock (Gate)
        {
            var id = $"{NextSerial()}.{RandomNumberGenerator.GetInt32(1_000_000, 9_999_999)}.{NewToken(16)}";
            _triggers[id] = (user, Now, Used: false);
            return id;
        }
    }

    public TriggerUse UseTrigger(string id, out string user)
    {
        lock (Gate)
        {
            user = "";
            if (!_triggers.TryGetValue(id, out var trigger)) return TriggerUse.Unknown;
            if (trigger.Used) return TriggerUse.Used;
            if (Now - trigger.IssuedAt > _triggerLife) return TriggerUse.Expired;
            _triggers[id] = trigger with { Used = true };
            user = trigger.User;
            return TriggerUse.Good;
        }
    }

    public IReadOnlyList<View> Modals(string user)
    {
        lock (Gate) return _modals.TryGetValue(user, out var stack) ? [.. stack] : [];
    }

    public View? Home(string user)
    {
        lock (Gate) return _homes.GetValueOrDefault(user);
    }

    public View? FindView(string? id, string? externalId = null)
    {
        lock (Gate)
        {
            return _modals.Values.SelectMany(stack => stack).Concat(_homes.Values).FirstOrDefault(view =>
                id is not null ? view.Id == id : !string.IsNullOrEmpty(externalId) && view.Definition.Text("external_id") == externalId);
        }
    }

    /// <summary>Opens a modal: alone, or on top of the one that is open (<paramref name="push"/>).</summary>
    public View Open(string user, JsonObject definition, bool push)
    {
        View view;
        lock (Gate)
        {
            var stack = _modals.TryGetValue(user, out var known) ? known : _modals[user] = [];
            if (!push) stack.Clear();
            var id = "V0" + NewToken(4).ToUpperInvariant() + NextSerial();
            view = new View
            {
                Id = id,
                User = user,
                RootId = stack.Count > 0 ? stack[0].Id : id,
                PreviousId = stack.Count > 0 ? stack[^1].Id : null,
                Definition = definition,
                Hash = NewHash(),
                Values = FormState.Initial(definition.Array("blocks")),
            };
            stack.Add(view);
        }
        Touch();
        return view;
    }

    public void Change(View view, JsonObject definition)
    {
        lock (Gate)
        {
            view.Definition = definition;
            view.Hash = NewHash();
            // What was typed stays where block and action are the same as before.
            view.Values = FormState.Read(definition, [], view.Values, view.Offered);
            view.Errors = [];
            view.Trouble = null;
        }
        Touch();
    }

    public View Publish(string user, JsonObject definition)
    {
        lock (Gate)
        {
            if (_homes.TryGetValue(user, out var home))
            {
                Change(home, definition);
                return home;
            }
            var id = "V0HOME" + NextSerial();
            home = _homes[user] = new View { Id = id, User = user, RootId = id, Definition = definition, Hash = NewHash() };
            Touch();
            return home;
        }
    }

    /// <summary>Closes one modal and what lies on top of it, or all of the person's modals.</summary>
    public void Close(View view, bool all)
    {
        lock (Gate)
        {
            if (_modals.TryGetValue(view.User, out var stack))
            {
                if (all) stack.Clear();
                else if (stack.IndexOf(view) is >= 0 and var index) stack.RemoveRange(index, stack.Count - index);
            }
        }
        Touch();
    }

    public void Log(string method, bool ok, string? error)
    {
        lock (Gate)
        {
            if (_calls.Count >= OldestCallsKept) _calls.RemoveAt(0);
            _calls.Add(new JsonObject { ["method"] = method, ["time"] = Time(), ["ok"] = ok, ["error"] = error });
        }
    }

    public void LogDelivery(string kind, int? status, double ackMs, int retry, string? error)
    {
        lock (Gate)
        {
            if (_deliveries.Count >= OldestCallsKept) _deliveries.RemoveAt(0);
            _deliveries.Add(new JsonObject
            {
                ["kind"] = kind, ["time"] = Time(), ["status"] = status, ["ackMs"] = ackMs, ["retry"] = retry, ["error"] = error,
            });
        }
    }

    public JsonArray Calls()
    {
        lock (Gate) return [.. _calls.Select(call => call.Copy())];
    }

    public JsonArray Deliveries()
    {
        lock (Gate) return [.. _deliveries.Select(delivery => delivery.Copy())];
    }

    private string NewHash() => $"{Now.ToUnixTimeSeconds()}.{NewToken(4)}";

    private string Time() => Now.UtcDateTime.ToString("O", CultureInfo.InvariantCulture);

    private JsonObject Entry(string what) => new() { ["what"] = what, ["at"] = Time() };
}
