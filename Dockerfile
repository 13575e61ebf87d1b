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
# What was checked of this file, without a container engine, is the last section of docs/operating.md; an image has not
# been built from the bases named here.
ARG SDK=mcr.microsoft.com/dotnet/sdk:10.0
ARG RUNTIME=mcr.microsoft.com/dotnet/aspnet:10.0

FROM ${SDK} AS build
WORKDIR /source
# First only what decides the packages, so that a change of code does not fetch them again.
COPY global.json Directory.Build.props Directory.Packages.props BannedSymbols.txt .editorconfig ./
COPY src/Domain/Domain.csproj src/Domain/packages.lock.json src/Domain/
COPY src/Application/Application.csproj src/Application/packages.lock.json src/Application/
COPY src/Infrastructure/Infrastructure.csproj src/Infrastructure/packages.lock.json src/Infrastructure/
COPY src/Api/Api.csproj src/Api/packages.lock.json src/Api/
RUN dotnet restore src/Api --locked-mode
COPY src/ src/
RUN dotnet publish src/Api --configuration Release --no-restore --output /app

FROM ${RUNTIME}
WORKDIR /app
# The only place that is written to. In the image, so that a new named volume gets its owner.
RUN install -d -m 700 -o 1654 -g 1654 /data
COPY --from=build /app ./
# No diagnostics socket: it would be written to /tmp, and lets whoever opens it dump the memory, secrets and all.
ENV ASPNETCORE_URLS=http://+:8080 \
    DOTNET_EnableDiagnostics=0 \
    Policy__Path=/policy/access-policy.yaml \
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
