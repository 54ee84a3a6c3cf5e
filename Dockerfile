# The image of every process of the ledger: serve, consume, publish, migrate.
# Built by hand, step by step, in tests/integration/test_compose.py.
FROM python:3.11.13-slim-bookworm AS build
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

FROM python:3.11.13-slim-bookworm
RUN useradd --system --uid 10001 --user-group --home-dir /nonexistent --shell /usr/sbin/nologin ledger
# A new volume takes the folder's owner, so that the key can be made in it.
RUN install -d -o 10001 -g 10001 -m 700 /keys
COPY --from=build /opt/subsidy-ledger /opt/subsidy-ledger
ENV PATH=/opt/subsidy-ledger/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /tmp
USER 10001:10001
EXPOSE 8080
ENTRYPOINT ["subsidy-ledger"]
