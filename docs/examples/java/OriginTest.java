// An origin for a test, from the JDK alone (17 or newer). Run: java OriginTest.java
// HEADWATER says how to start it: `headwater` when it is absent.

import java.io.BufferedReader;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

class OriginTest {
    /** A Headwater on free ports, with a data directory of its own. */
    static final class Origin implements AutoCloseable {
        final String dataPlaneUrl;
        final String adminUrl;
        final String encoderKey;
        final String playerKey;
        private final Path dataDir;
        private final Process process;
        private final HttpClient client = HttpClient.newHttpClient();

        Origin(String... flags) throws IOException {
            dataDir = Files.createTempDirectory("headwater-");
            var setting = Optional.ofNullable(System.getenv("HEADWATER")).orElse("headwater");
            var command = new ArrayList<>(List.of(setting.split(" ")));
            command.addAll(List.of("serve", "--port", "0", "--admin-port", "0"));
            command.addAll(List.of("--data-dir", dataDir.toString()));
            command.addAll(List.of(flags));
            process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
            BufferedReader out = process.inputReader();
            var ready = Optional.ofNullable(out.readLine())
                .orElseThrow(() -> new IOException("headwater did not start"));
            dataPlaneUrl = member(ready, "dataPlaneUrl");
            adminUrl = member(ready, "adminUrl");
            encoderKey = key("encoder");
            playerKey = key("player");
        }

        int put(String key, String body) throws IOException, InterruptedException {
            var url = URI.create(dataPlaneUrl + "/cache/live-origin/" + key + "?ttl_seconds=60");
            var request = HttpRequest.newBuilder(url)
                .header("Authorization", encoderKey)
                .PUT(HttpRequest.BodyPublishers.ofString(body))
                .build();
            return client.send(request, BodyHandlers.discarding()).statusCode();
        }

        /** The body, or "404" and the like when it is refused. */
        String get(String key) throws IOException, InterruptedException {
            var url = URI.create(dataPlaneUrl + "/cache/live-origin/" + key);
            var request = HttpRequest.newBuilder(url).header("Authorization", playerKey).build();
            var answer = client.send(request, BodyHandlers.ofString());
            return answer.statusCode() == 200 ? answer.body() : String.valueOf(answer.statusCode());
        }

        @Override
        public void close() throws IOException, InterruptedException {
            process.destroy();
            process.waitFor(30, TimeUnit.SECONDS);
            try (var files = Files.walk(dataDir)) {
                files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
            }
        }

        private String key(String role) throws IOException {
            return member(Files.readString(dataDir.resolve(role + "-key.json")), "apiKey");
        }

        /** A string member of a flat JSON object; a project with a JSON library uses that. */
        private static String member(String json, String name) {
            var found = Pattern.compile('"' + name + "\"\\s*:\\s*\"([^\"]*)\"").matcher(json);
            if (!found.find()) throw new IllegalStateException("no " + name);
            return found.group(1);
        }
    }

    public static void main(String[] args) throws Exception {
        try (var origin = new Origin()) {
            expect(204, origin.put("playlist.m3u8", "#EXTM3U\n"));
            expect("#EXTM3U\n", origin.get("playlist.m3u8"));
            expect("404", origin.get("nothing.ts"));
        }
        System.out.println("ok");
    }

    private static void expect(Object expected, Object seen) {
        if (!expected.equals(seen)) throw new AssertionError(seen + " instead of " + expected);
    }
}
