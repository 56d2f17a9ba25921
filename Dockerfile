# gradesync's image: `serve` by default; `worker` and `migrate` are the same image with another command.
# Base images are pinned by version. Whoever builds it can pin them by digest: registries alone know those.

FROM python:3.12.12-slim-bookworm AS build
WORKDIR /build
RUN python -m venv /gradesync
COPY deploy/requirements.lock deploy/build.lock ./
RUN /gradesync/bin/pip install --no-cache-dir --require-hashes -r requirements.lock \
 && pip install --no-cache-dir --require-hashes -r build.lock
COPY pyproject.toml README.md ./
COPY src src
RUN pip wheel --no-deps --no-build-isolation --wheel-dir wheels . \
 && /gradesync/bin/pip install --no-cache-dir --no-deps wheels/*.whl

FROM python:3.12.12-slim-bookworm
RUN groupadd --system --gid 10001 gradesync \
 && useradd --system --uid 10001 --gid gradesync --no-create-home gradesync
COPY --from=build /gradesync /gradesync
ENV PATH=/gradesync/bin:$PATH PYTHONUNBUFFERED=1
# By number, so that an orchestrator can see that it is not root.
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
ENTRYPOINT ["gradesync"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
