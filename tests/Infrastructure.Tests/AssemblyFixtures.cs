using DbAccess.TestKit.Aws;
using DbAccess.TestKit.Postgres;

[assembly: AssemblyFixture(typeof(PostgresFixture))]
[assembly: AssemblyFixture(typeof(MotoFixture))]
