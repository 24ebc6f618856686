# Built in one image, run in another that has neither compiler nor package tools' caches.
# Pin it for a build that can be repeated: --build-arg BASE=python:3.12-slim-bookworm@sha256:...
ARG BASE=python:3.12-slim-bookworm
FROM ${BASE} AS build
WORKDIR /src
COPY requirements/build.txt requirements/run.txt requirements/
RUN python -m venv /opt/paperround \
    && /opt/paperround/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes \
        -r requirements/run.txt \
    && python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes \
        --target /opt/build -r requirements/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY bot bot
COPY digests digests
COPY config config
RUN PYTHONPATH=/opt/build /opt/paperround/bin/pip install --no-cache-dir --disable-pip-version-check \
        --no-deps --no-build-isolation .

FROM ${BASE}
RUN useradd --system --create-home --home-dir /data --uid 10001 paperround && chmod 700 /data
COPY --from=build /opt/paperround /opt/paperround
# A published port reaches the container from outside: PAPERROUND_HTTP_HOST lets Slack's requests in.
ENV PATH=/opt/paperround/bin:$PATH PYTHONUNBUFFERED=1 PAPERROUND_HTTP_HOST=0.0.0.0
# The store, its search index and paperround.toml live here: mount a volume.
WORKDIR /data
VOLUME /data
USER 10001
CMD ["paperround", "run"]
