using DbAccess.TestKit.Postgres;

[assembly: AssemblyFixture(typeof(PostgresFixture))]
