# The images: "service" for every process of the ledger (serve, consume, publish, migrate); "office" is the
# same with what prints documents as PDF and takes backups; "database" is PostgreSQL with pgBackRest.
# The steps of "build" are run by hand in tests/integration/test_compose.py; .ci/image builds and tries all.
# Mirrors are arguments: --build-arg PYTHON_IMAGE=…, POSTGRES_IMAGE=…, DEBIAN_MIRROR=http://…
# (of /debian and /debian-security), PIP_INDEX_URL=https://…. 镜像源都是构建参数。
ARG PYTHON_IMAGE=python:3.11.13-slim-bookworm
ARG POSTGRES_IMAGE=postgres:15.14-bookworm

FROM ${PYTHON_IMAGE} AS build
ARG PIP_INDEX_URL
WORKDIR /src
COPY requirements.lock requirements-build.lock ./
RUN python -m venv /opt/build \
 && /opt/build/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements-build.lock
RUN python -m venv /opt/subsidy-ledger \
 && /opt/subsidy-ledger/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --only-binary :all: -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY domain domain
COPY ledger ledger
COPY services services
RUN /opt/build/bin/pip wheel --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir wheel . \
 && /opt/subsidy-ledger/bin/pip install --no-cache-dir --disable-pip-version-check --no-index --no-deps wheel/*.whl

FROM ${POSTGRES_IMAGE} AS database
ARG DEBIAN_MIRROR
RUN if [ -n "$DEBIAN_MIRROR" ]; then sed -i -E "s#https?://[^/ ]+#$DEBIAN_MIRROR#" /etc/apt/sources.list.d/*; fi \
 && apt-get update \
 && apt-get install -y --no-install-recommends pgbackrest \
 && rm -rf /var/lib/apt/lists/*
# A new volume takes the folder's owner. The first start makes the repository's stanza.
RUN install -d -o 999 -g 999 -m 750 /var/lib/pgbackrest \
 && printf '#!/bin/sh\npgbackrest stanza-create\n' > /docker-entrypoint-initdb.d/stanza.sh
USER 999:999

FROM ${PYTHON_IMAGE} AS service
RUN useradd --system --uid 10001 --user-group --home-dir /nonexistent --shell /usr/sbin/nologin ledger
# A new volume takes the folder's owner, so that the key can be made in it, and sheets wait.
RUN install -d -o 10001 -g 10001 -m 700 /keys /sheets
COPY --from=build /opt/subsidy-ledger /opt/subsidy-ledger
ENV PATH=/opt/subsidy-ledger/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /tmp
USER 10001:10001
EXPOSE 8080
ENTRYPOINT ["subsidy-ledger"]

FROM service AS office
ARG DEBIAN_MIRROR
USER 0:0
RUN if [ -n "$DEBIAN_MIRROR" ]; then sed -i -E "s#https?://[^/ ]+#$DEBIAN_MIRROR#" /etc/apt/sources.list.d/*; fi \
 && apt-get update \
 && apt-get install -y --no-install-recommends postgresql-client-15 libreoffice-writer-nogui libreoffice-calc-nogui fonts-noto-cjk \
 && rm -rf /var/lib/apt/lists/*
USER 10001:10001

# What is built where no target is named.
FROM service
