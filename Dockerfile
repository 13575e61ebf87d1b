# DbAccess as a container.
#
#   docker build -t dbaccess .
#   docker run --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges -p 8080:8080 \
#     -v dbaccess-data:/data -v ./policy:/policy:ro -v ./credentials:/credentials:ro --env-file dbaccess.env dbaccess
#
# dbaccess.env holds the settings that have no default: Installation, Slack__SigningSecrets__0, Slack__BotToken,
# Slack__TeamId, Slack__AppId (docs/operating.md). The files in /credentials must belong to user 1654 and have mode 600
# or 400; the program refuses them otherwise.
#
# In Lambda the same image runs both functions, with /app/bootstrap as its entry point (deploy/terraform). What was checked of this file, without a
# container engine, is the last section of docs/operating.md.
#
# Pinned to a patch release. To pin to the bytes as well: docker buildx imagetools inspect NAME, and @sha256:… behind the name here.
ARG SDK=mcr.microsoft.com/dotnet/sdk:10.0.401-noble
# No shell, no package manager, its own user: only what .NET needs.
ARG RUNTIME=mcr.microsoft.com/dotnet/aspnet:10.0.12-noble-chiseled

FROM ${SDK} AS build
WORKDIR /source
# What the functions are linked with.
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev zlib1g-dev && rm -rf /var/lib/apt/lists/*
# First only what decides the packages, so that a change of code does not fetch them again.
COPY global.json Directory.Build.props Directory.Packages.props BannedSymbols.txt .editorconfig ./
COPY src/Domain/Domain.csproj src/Domain/packages.lock.json src/Domain/
COPY src/Application/Application.csproj src/Application/packages.lock.json src/Application/
COPY src/Infrastructure/Infrastructure.csproj src/Infrastructure/packages.lock.json src/Infrastructure/
COPY src/Api/Api.csproj src/Api/packages.lock.json src/Api/
COPY src/Functions/Functions.csproj src/Functions/packages.lock.json src/Functions/
RUN dotnet restore src/Api --locked-mode -p:ReadyToRun=true && dotnet restore src/Functions --locked-mode
COPY src/ src/
RUN case $(uname -m) in aarch64) runtime=linux-arm64 ;; *) runtime=linux-x64 ;; esac \
    && dotnet publish src/Api --configuration Release --no-restore -p:ReadyToRun=true -r $runtime -p:SelfContained=false \
        --output /app \
    && dotnet publish src/Functions --configuration Release -p:Aot=$runtime -p:CppCompilerAndLinker=gcc --output /functions \
    && cp /functions/bootstrap /app/ \
    && install -d -m 700 /data

FROM ${RUNTIME}
WORKDIR /app
# The only place that is written to. In the image, so that a new named volume gets its owner.
COPY --from=build --chown=1654:1654 /data /data
COPY --from=build /app ./
# Certificate authorities that are not the system's, if somebody put any there (deploy/certs/README.md).
COPY deploy/certs/ /certs/
# No diagnostics socket: it would be written to /tmp, and lets whoever opens it dump the memory, secrets and all.
ENV ASPNETCORE_URLS=http://+:8080 \
    DOTNET_EnableDiagnostics=0 \
    Policy__Path=/policy/access-policy.yaml \
    Grants__SealKey=/data/seal-key \
    Grants__Sqlite__Path=/data/dbaccess.db \
    Credentials__File__Directory=/credentials
# The user `app` of the base image, by number, so that a cluster can see that it is not root.
USER 1654:1654
VOLUME ["/data"]
EXPOSE 8080
# The program asks itself: the image has no curl.
HEALTHCHECK --interval=30s --timeout=10s --start-period=20s --retries=3 CMD ["dotnet", "/app/DbAccess.Api.dll", "health"]
# Its own process, so that a stop signal reaches it; it takes up to 25 seconds to finish what is in hand.
STOPSIGNAL SIGTERM
ENTRYPOINT ["dotnet", "/app/DbAccess.Api.dll"]
CMD ["serve"]
