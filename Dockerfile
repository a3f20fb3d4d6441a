# The program in an image of its own: it runs as nobody in particular, and everything that it keeps
# is under /data.
#
#   docker build --tag freehold .
#   docker run --publish 8080:8080 --volume freehold:/data --stop-timeout 40 freehold
#
# A directory of the host in place of the volume must belong to the user 10001, and nobody else may
# read it.

FROM rust:1-slim-bookworm AS build
WORKDIR /source
COPY . .
# What was downloaded and compiled is kept between builds, outside the image.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target \
    cargo build --release --locked && install -D target/release/freehold /out/freehold

# The same Debian as above, so that the C library is the one that the program was linked with.
FROM debian:bookworm-slim
RUN groupadd --gid 10001 freehold \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data \
        --shell /usr/sbin/nologin freehold \
    && install --directory --mode=0700 --owner=10001 --group=10001 /data
COPY --from=build /out/freehold /usr/local/bin/freehold
# The authorities by which a decision point that is asked over TLS is known.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt

ENV FREEHOLD_DATA=/data \
    FREEHOLD__HTTP__LISTEN=0.0.0.0:8080 \
    FREEHOLD__LOG__FORMAT=json
# By number, so that an orchestrator can see that it is not root.
USER 10001:10001
VOLUME ["/data"]
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["/usr/local/bin/freehold", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/freehold"]
CMD ["serve"]
