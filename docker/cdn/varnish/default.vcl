vcl 4.1;

# A CDN in one process: Varnish in front of an origin, set up like the CloudFront distribution of
# docs/cdn.md. Viewers ask for /<key>; the origin is asked for /cache/<cache name>/<key>, with the
# player's key, which viewers never see.
#
# Parameters, filled in by render.sh:
#   @ORIGIN_HOST@ @ORIGIN_PORT@   where the origin listens; plain HTTP
#   @CACHE_NAME@                  the only cache that viewers can reach
#   @PLAYER_KEY@                  sent as it is in Authorization; a key that may only read
#
# Numbers to tune, each at its place below:
#   segments       1 s .. 1 y as the origin says, 1 d when it says nothing
#   all else       as the origin says, at most 60 s (playlists) or 1 y; 1 s when it says nothing
#   404, 410       as the origin says, at most 1 s
#   stale copies   60 s (playlists, all else), 1 h (segments): only while the origin fails
#
# varnishd's own: -p backend_idle_timeout=55 (below the origin's 125 s, so that Varnish never
# writes into a connection that the origin is closing) and -p vsl_mask=-BereqHeader (varnishlog
# would show the player's key).

import std;

backend origin {
    .host = "@ORIGIN_HOST@";
    .port = "@ORIGIN_PORT@";
    .connect_timeout = 5s;
    .first_byte_timeout = 30s;
    .between_bytes_timeout = 30s;
    # A sick origin is not waited for: stale copies are served at once. `live`, not `ready`: an
    # origin that is stopping still answers. For an origin without this path, remove the probe.
    .probe = {
        .url = "/health/live";
        .interval = 1s;
        .timeout = 1s;
        .window = 3;
        .threshold = 2;
        .initial = 2;
    }
}

sub vcl_recv {
    if (req.restarts == 0) {
        # Nothing of a viewer's passes for ours.
        unset req.http.X-Behaviour;
        unset req.http.X-Query;
        # Any credential of the viewer's; the key is put in on the way to the origin.
        unset req.http.Authorization;
        unset req.http.Cookie;
        # The origin takes it for CloudFront and would make its 404s uncacheable.
        unset req.http.X-Amz-Cf-Id;
    }

    if (req.method == "OPTIONS") {
        # Preflights: constant, cheap, answered by the origin without a credential.
        set req.http.X-Behaviour = "preflight";
    } elsif (req.method != "GET" && req.method != "HEAD") {
        return (synth(405));
    }

    if (req.url ~ "^/play/") {
        # The origin's player page, for trying things out. It asks for /cache/<cache name>/<key>.
        set req.http.X-Behaviour = "page";
        return (pass);
    }

    # The player page's paths and the viewers' are one and the same to the cache.
    set req.url = regsub(req.url, "^/cache/@CACHE_PATTERN@/", "/");

    if (req.http.X-Behaviour == "preflight") {
        set req.url = regsub(req.url, "\?.*$", "");
        return (pass);
    }

    # By the path alone: a query may hold anything.
    if (req.url ~ "^[^?]+\.(?:ts|m2ts|m4s|m4a|m4v|mp4|cmfv|cmfa|cmft|aac|ac3|ec3|mp3|vtt|webvtt)(?:\?|$)") {
        set req.http.X-Behaviour = "segment";
        set req.url = regsub(req.url, "\?.*$", "");
    } else {
        if (req.url ~ "^[^?]+\.m3u8(?:\?|$)") {
            set req.http.X-Behaviour = "playlist";
            # Whole playlists only: half of one is of no use, and half of a gzip file even less.
            unset req.http.Range;
        } else {
            set req.http.X-Behaviour = "other";
        }
        # The low-latency directives are part of what is asked for, and in one order; tokens, CMCD
        # and everything else are not, and would make each viewer a cache miss.
        set req.http.X-Query = "";
        if (req.url ~ "[?&]_HLS_msn=") {
            set req.http.X-Query = req.http.X-Query + "&_HLS_msn=" + regsub(req.url, "^.*?[?&]_HLS_msn=([^&]*).*$", "\1");
        }
        if (req.url ~ "[?&]_HLS_part=") {
            set req.http.X-Query = req.http.X-Query + "&_HLS_part=" + regsub(req.url, "^.*?[?&]_HLS_part=([^&]*).*$", "\1");
        }
        if (req.url ~ "[?&]_HLS_skip=") {
            set req.http.X-Query = req.http.X-Query + "&_HLS_skip=" + regsub(req.url, "^.*?[?&]_HLS_skip=([^&]*).*$", "\1");
        }
        set req.url = regsub(req.url, "\?.*$", "") + regsub(req.http.X-Query, "^&", "?");
        unset req.http.X-Query;
    }

    # A stale copy is for when there is nothing better: after a failed fetch (a restart), or while
    # the origin is sick. Else the viewer waits for the fresh one, together with all who ask for it.
    if (req.restarts == 0 && std.healthy(req.backend_hint)) {
        set req.grace = 0s;
    } else {
        set req.grace = 1h;
    }
    return (hash);
}

sub vcl_hash {
    # One site: the Host that a viewer sent is no part of the key.
    hash_data(req.url);
    return (lookup);
}

sub vcl_hit {
    return (deliver);
}

sub vcl_miss {
    if (req.restarts > 0) {
        # The fetch has failed and there is no old copy: not a second attempt at once.
        return (synth(503));
    }
    return (fetch);
}

sub vcl_backend_fetch {
    set bereq.http.Host = "@ORIGIN_HOST@";
    # A second attempt has all of it.
    if (bereq.http.X-Behaviour != "page" && bereq.retries == 0) {
        set bereq.url = "/cache/@CACHE_NAME@" + bereq.url;
        if (bereq.http.X-Behaviour != "preflight") {
            set bereq.http.Authorization = "@PLAYER_KEY@";
        }
    }
    return (fetch);
}

sub vcl_backend_response {
    if (bereq.http.X-Behaviour == "page" || bereq.http.X-Behaviour == "preflight") {
        return (deliver);
    }

    if (beresp.status >= 500) {
        # Stored, it would replace a good copy. The viewer's side restarts and takes that copy.
        return (abandon);
    }

    if (beresp.status == 404 || beresp.status == 410) {
        # "Not yet" more often than "never".
        if (beresp.ttl > 1s) {
            set beresp.ttl = 1s;
        }
        set beresp.grace = 0s;
        set beresp.keep = 0s;
    } elsif (beresp.status == 200) {
        if (bereq.http.X-Behaviour == "segment") {
            # CachingOptimized: a minimum above 0 overrules no-store, too.
            if (!beresp.http.Cache-Control && !beresp.http.Expires) {
                set beresp.ttl = 1d;
            }
            if (beresp.ttl < 1s) {
                set beresp.ttl = 1s;
            }
            if (beresp.ttl > 1y) {
                set beresp.ttl = 1y;
            }
            set beresp.grace = 1h;
            set beresp.keep = 0s;
            return (deliver);
        }
        if (!beresp.http.Cache-Control && !beresp.http.Expires) {
            set beresp.ttl = 1s;
        }
        if (bereq.http.X-Behaviour == "playlist" && beresp.ttl > 60s) {
            # An ended channel says a day; one that starts again must not be hidden that long.
            set beresp.ttl = 60s;
        }
        set beresp.grace = 60s;
        # Kept for If-None-Match and 304, which cost the origin a head and no body.
        set beresp.keep = 60s;
    } else {
        set beresp.grace = 0s;
        set beresp.keep = 0s;
    }

    if (beresp.ttl <= 0s || beresp.http.Cache-Control ~ "(?i)\b(?:no-store|no-cache|private)\b" || beresp.http.Vary == "*") {
        # Remembered for a second as not to be kept, so that viewers do not queue up one behind the
        # other for it.
        set beresp.uncacheable = true;
        set beresp.ttl = 1s;
    }
    return (deliver);
}

sub vcl_backend_error {
    # No connection, no answer in time: as a 5xx.
    return (abandon);
}

sub vcl_deliver {
    # Via and X-Varnish stay: `headwater doctor` knows Varnish by them.
    if (obj.uncacheable) {
        set resp.http.X-Cache = "pass";
    } elsif (obj.hits == 0) {
        set resp.http.X-Cache = "miss";
    } elsif (obj.ttl <= 0s) {
        set resp.http.X-Cache = "stale";
    } else {
        set resp.http.X-Cache = "hit";
    }
    return (deliver);
}

sub vcl_synth {
    if (resp.status == 503 && req.restarts == 0 && req.http.X-Behaviour ~ "^(?:segment|playlist|other)$") {
        return (restart);
    }
    # In the origin's own shape. CORS on errors, too: else a player sees a network error only.
    set resp.http.Content-Type = "application/json";
    set resp.http.Access-Control-Allow-Origin = "*";
    set resp.http.Cache-Control = "no-store";
    if (resp.status == 405) {
        set resp.http.Allow = "GET, HEAD, OPTIONS";
        set resp.body = """{"status":405,"code":"method_not_allowed","message":"The CDN only reads","detail":""}""";
    } else {
        set resp.status = 503;
        set resp.http.Retry-After = "1";
        set resp.body = """{"status":503,"code":"origin_unavailable","message":"The CDN got no answer from its origin","detail":""}""";
    }
    return (deliver);
}
