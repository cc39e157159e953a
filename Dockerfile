FROM rust:1-bookworm AS builder
WORKDIR /src
# The dependencies alone first: this layer is built again only when Cargo.toml or Cargo.lock changes.
COPY Cargo.toml Cargo.lock ./
COPY lab/Cargo.toml lab/
RUN mkdir src lab/src \
    && echo 'fn main() {}' >src/main.rs \
    && touch src/lib.rs lab/src/lib.rs \
    && cargo build --release --locked \
    && rm -r src
COPY . .
# Cargo goes by file times, and those of the sources may be older than the placeholders'.
RUN touch src/main.rs src/lib.rs \
    && cargo build --release --locked \
    && strip target/release/rowlock

FROM debian:bookworm-slim
# Certificate authorities, for DATABASE_URL and REDIS_URL with TLS.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
COPY --from=builder /src/target/release/rowlock /usr/local/bin/rowlock
USER 10001:10001
ENV ROWLOCK_LISTEN=0.0.0.0:8080
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=3 \
    CMD ["rowlock", "health", "--url", "http://127.0.0.1:8080/readyz"]
ENTRYPOINT ["rowlock"]
CMD ["serve"]
