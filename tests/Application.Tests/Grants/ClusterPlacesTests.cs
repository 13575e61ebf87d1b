using DbAccess.Application.Steps;
using DbAccess.Domain.Databases;
using DbAccess.TestKit;
using Microsoft.Extensions.Time.Testing;

namespace DbAccess.Application.Tests.Grants;

public sealed class ClusterPlacesTests
{
    private static readonly ClusterName Silent = ClusterName.Parse("silent")!;
    private static readonly ClusterName Other = ClusterName.Parse("other")!;

    private readonly FakeTimeProvider _clock = new(Some.Now);

    [Fact]
    public void A_cluster_that_does_not_answer_leaves_places_for_the_others_and_is_tried_by_few_until_it_is_back()
    {
        var places = new ClusterPlaces(_clock);

        Assert.Equal(8, Enumerable.Range(0, 20).Count(_ => places.TryEnter(Silent)));
        Assert.True(places.TryEnter(Other));
        for (var i = 0; i < 8; i++) places.Leave(Silent, failed: true, TimeSpan.FromSeconds(25));

        Assert.Equal(2, Enumerable.Range(0, 20).Count(_ => places.TryEnter(Silent)));
        places.Leave(Silent, failed: false, TimeSpan.FromMilliseconds(5));
        Assert.Equal(7, Enumerable.Range(0, 20).Count(_ => places.TryEnter(Silent)));
    }

    [Fact]
    public void A_silence_is_forgotten_and_a_refusal_is_none()
    {
        var places = new ClusterPlaces(_clock);
        places.TryEnter(Silent);
        places.Leave(Silent, failed: true, TimeSpan.FromSeconds(1));
        Assert.Equal(8, Enumerable.Range(0, 20).Count(_ => places.TryEnter(Silent)));
        for (var i = 0; i < 8; i++) places.Leave(Silent, failed: true, TimeSpan.FromSeconds(5));

        _clock.Advance(TimeSpan.FromSeconds(30));

        Assert.Equal(8, Enumerable.Range(0, 20).Count(_ => places.TryEnter(Silent)));
    }
}
