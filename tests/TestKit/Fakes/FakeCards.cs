using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;

namespace DbAccess.TestKit.Fakes;

/// <summary>
/// Cards that can be looked at: what they say now, what they said before, and their threads. Cards can be deleted and channels archived, as people do
/// in Slack, and the same card can be there twice, as after an answer that was lost.
/// </summary>
public sealed class FakeCards : ICards
{
    private readonly Lock _gate = new();
    private readonly List<Card> _cards = [];
    private readonly HashSet<string> _gone = new(StringComparer.Ordinal);
    private int _calls;
    private int _stamps;

    /// <summary>Decides what every following call answers: a <see cref="Post"/>, or null for success. It may throw.</summary>
    public Func<Post?> Answer { get; set; } = () => null;

    /// <summary>With an answer that is not a success: the effect comes all the same, as when only the answer got lost.</summary>
    public bool AnswersGetLost { get; set; }

    /// <summary>In the order in which they were posted, deleted ones included.</summary>
    public IReadOnlyList<Card> All
    {
        get
        {
            lock (_gate) return [.. _cards];
        }
    }

    /// <summary>How often it was asked for anything, failures included.</summary>
    public int Calls => _calls;

    public void Works() => (Answer, AnswersGetLost) = (() => null, false);

    public void IsBusy(TimeSpan? retryAfter = null) => Answer = () => new Post.NotNow("slack: ratelimited", retryAfter);

    public void RefusesForGood(string why = "slack: invalid_blocks") => Answer = () => new Post.Never(why);

    public void Breaks() => Answer = () => throw new HttpRequestException("The connection was cut.");

    public void LosesAnswers() => (Answer, AnswersGetLost) = (() => new Post.NotNow("slack: no_answer", null), true);

    /// <summary>The channel is archived, or the app was removed from it.</summary>
    public void Archive(string channel)
    {
        lock (_gate) _gone.Add(channel);
    }

    /// <summary>Somebody deleted the card in Slack.</summary>
    public void Delete(MessageRef card)
    {
        lock (_gate) Find(card)!.Deleted = true;
    }

    public IReadOnlyList<Card> In(string channel) => [.. All.Where(card => card.Ref.Channel == channel && !card.Deleted)];

    public IReadOnlyList<Card> For(PrincipalId person) => [.. All.Where(card => card.Place == new CardPlace.Direct(person) && !card.Deleted)];

    public IReadOnlyList<Card> Of(GrantId grant) => [.. All.Where(card => card.Mark.Grant == grant.ToString())];

    public Task<Post> PostAsync(CardPlace place, ChatMessage message, CardMark mark, CancellationToken cancellationToken) => Do(() =>
    {
        var channel = place switch
        {
            CardPlace.Channel named => named.Id,
            CardPlace.Direct direct => $"D{direct.Person.User[1..]}",
            _ => throw new ArgumentOutOfRangeException(nameof(place)),
        };
        if (_gone.Contains(channel)) return new Post.Never("slack: is_archived", Gone: true);

        var card = new Card(place, new MessageRef(channel, Stamp()), mark, message);
        _cards.Add(card);
        return new Post.Sent(card.Ref);
    });

    public Task<Post> UpdateAsync(MessageRef card, ChatMessage message, CardMark mark, CancellationToken cancellationToken) => Do(() =>
    {
        if (Living(card) is not { } living) return new Post.Never("slack: message_not_found", Gone: true);

        living.Versions.Add(message);
        return new Post.Sent(card);
    });

    public Task<Post> AddAsync(MessageRef card, ChatMessage line, CardMark mark, CancellationToken cancellationToken) => Do(() =>
    {
        // Under a deleted card a line is taken, as by Slack.
        if (_gone.Contains(card.Channel) || Find(card) is not { } parent) return new Post.Never("slack: channel_not_found", Gone: true);

        parent.Thread.Add((line, mark));
        return new Post.Sent(new MessageRef(card.Channel, Stamp()));
    });

    private Task<Post> Do(Func<Post> effect)
    {
        Interlocked.Increment(ref _calls);
        var answer = Answer();
        lock (_gate) return Task.FromResult(answer is null ? effect() : AnswersGetLost && effect() is Post.Never never ? never : answer);
    }

    private string Stamp() => $"1767225601.{++_stamps:D6}";

    private Card? Find(MessageRef card) => _cards.Find(one => one.Ref == card);

    private Card? Living(MessageRef card) => _gone.Contains(card.Channel) ? null : Find(card) is { Deleted: false } living ? living : null;

    /// <summary>One message that stays.</summary>
    public sealed class Card(CardPlace place, MessageRef at, CardMark mark, ChatMessage first)
    {
        public CardPlace Place { get; } = place;

        public MessageRef Ref { get; } = at;

        public CardMark Mark { get; } = mark;

        public bool Deleted { get; internal set; }

        public List<ChatMessage> Versions { get; } = [first];

        public List<(ChatMessage Line, CardMark Mark)> Thread { get; } = [];

        /// <summary>What it says now.</summary>
        public ChatMessage Now => Versions[^1];

        /// <summary>The actions of its buttons now.</summary>
        public IReadOnlyList<string> Actions =>
            [.. Now.Parts.OfType<ChatPart.Buttons>().SelectMany(buttons => buttons.Items).Select(button => button.Action)];
    }
}
