# The origin, for production: `docker build -t headwater .`, then
# `docker run -p 8080:8080 -v headwater:/var/lib/headwater headwater`.

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json tsconfig.console.json ./
COPY scripts scripts
COPY docker docker
COPY src src
RUN npm run build && chmod 755 dist/main.js

FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev

FROM node:24-bookworm-slim
WORKDIR /app
COPY package.json LICENSE ./
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
# `docker exec origin headwater key list`; the directory's owner and mode pass on to a new volume.
RUN ln -s /app/dist/main.js /usr/local/bin/headwater \
  && install -d -o node -g node -m 0700 /var/lib/headwater

ENV NODE_ENV=production \
    HEADWATER_HTTP_HOST=* \
    HEADWATER_ADMIN_HOST=* \
    HEADWATER_DATA_DIR=/var/lib/headwater
# A settings file, if there is one, is looked for here: mount headwater.config.json into it.
WORKDIR /etc/headwater
USER node
VOLUME /var/lib/headwater
EXPOSE 8080 8081
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.HEADWATER_HTTP_PORT || 8080}/health/ready`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/dist/main.js"]
CMD ["serve"]
