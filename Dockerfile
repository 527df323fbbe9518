# smart-compound's own image: one for every role, `compound ROLE`. The environment is what requirements.lock says, by hash.
FROM python:3.11.13-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/compound
ENV PATH=/opt/compound/bin:$PATH
WORKDIR /src
COPY requirements-build.lock requirements.lock ./
RUN pip install --require-hashes -r requirements-build.lock && pip install --require-hashes -r requirements.lock
COPY . .
RUN pip install --no-deps --no-build-isolation . && pip uninstall -y uv && python -m compileall -q /opt/compound

FROM python:3.11.13-slim-bookworm
# A new volume takes the owner and the mode of the folder that it covers.
RUN groupadd --gid 10001 compound && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin compound \
    && install -d -o 10001 -g 10001 -m 0700 /var/lib/compound /var/lib/compound/keys
COPY --from=build /opt/compound /opt/compound
ENV PATH=/opt/compound/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /var/lib/compound
USER 10001:10001
ENTRYPOINT ["compound"]
