using Xunit;

// Most of these tests wait: for an end, a lease, a retry. Many may wait at once, also on two processors.
[assembly: CollectionBehavior(MaxParallelThreads = 6)]
