# The CloudFront distribution in front of a Headwater origin, as a Terraform module; the same as
# distribution.yaml. docs/cdn.md says why each value is what it is.
#
#   module "cdn" {
#     source             = "./docker/cloudfront"
#     origin_domain_name = "origin.example.com"
#     player_key         = jsondecode(file("player-key.json")).apiKey
#   }
#
# The player's key is in the state and in the distribution's configuration: a key that may only
# read, and a state that is kept like a secret.

terraform {
  required_version = ">= 1.3"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "origin_domain_name" {
  description = "Name of the origin, with a certificate that CloudFront trusts; no address, no scheme."
  type        = string
}

variable "origin_https_port" {
  description = "The origin's TLS port (http.tls.port, or that of the load balancer before it)."
  type        = number
  default     = 443
}

variable "cache_name" {
  description = "The origin's cache that viewers see."
  type        = string
  default     = "live-origin"

  validation {
    condition     = can(regex("^[A-Za-z0-9._-]{1,255}$", var.cache_name))
    error_message = "A cache name is made of A-Z a-z 0-9 . _ -, at most 255 of them."
  }
}

variable "player_key" {
  description = "API key that may only read; sent to the origin as Authorization."
  type        = string
  sensitive   = true

  validation {
    condition     = length(var.player_key) > 0 && length(var.player_key) <= 1783
    error_message = "CloudFront takes header values of up to 1,783 characters."
  }
}

variable "name" {
  description = "Prefix of the cache policies' names, which are unique in an account."
  type        = string
  default     = "headwater"
}

variable "aliases" {
  description = "Names of your own for viewers; they need certificate_arn."
  type        = list(string)
  default     = []
}

variable "certificate_arn" {
  description = "ACM certificate of those names, in us-east-1."
  type        = string
  default     = null
}

variable "price_class" {
  type    = string
  default = "PriceClass_100"
}

locals {
  # Managed by AWS: minimum 1 s, default 1 d, maximum 1 y; no query string in the key.
  caching_optimized = "658327ea-f89d-4fab-a63d-7e88639e58f6"
  # Managed by AWS: forwards Origin, without which a preflight has no answer. Not Host.
  cors_custom_origin = "59781a5b-3903-41f3-afcb-af62929ccde1"

  low_latency_directives = ["_HLS_msn", "_HLS_part", "_HLS_skip"]

  # Instead of CachingDisabled, for playlists: one second is enough for CloudFront to collapse
  # requests, and a TTL above 0 is what makes it compress.
  policies = {
    playlists = { max_ttl = 60, comment = "Live playlists as the origin says, at most a minute" }
    other     = { max_ttl = 31536000, comment = "All else as the origin says" }
  }

  behaviours = [
    { path = "*.m3u8", policy = aws_cloudfront_cache_policy.this["playlists"].id, compress = true },
    { path = "*.ts", policy = local.caching_optimized, compress = false },
    { path = "*.m4s", policy = local.caching_optimized, compress = false },
    { path = "*.mp4", policy = local.caching_optimized, compress = false },
  ]

  # CloudFront's default is 10 s: a segment asked for a moment too early would be dead for as long
  # at that edge.
  error_ttls = { 403 = 0, 404 = 1, 500 = 1, 502 = 1, 503 = 1, 504 = 1 }
}

resource "aws_cloudfront_cache_policy" "this" {
  for_each = local.policies

  name        = "${var.name}-${each.key}"
  comment     = each.value.comment
  min_ttl     = 0
  default_ttl = 1
  max_ttl     = each.value.max_ttl

  parameters_in_cache_key_and_forwarded_to_origin {
    enable_accept_encoding_gzip   = true
    enable_accept_encoding_brotli = false

    cookies_config {
      cookie_behavior = "none"
    }

    headers_config {
      header_behavior = "none"
    }

    query_strings_config {
      query_string_behavior = "whitelist"

      query_strings {
        items = local.low_latency_directives
      }
    }
  }
}

resource "aws_cloudfront_distribution" "this" {
  enabled         = true
  comment         = "Headwater, cache ${var.cache_name}"
  http_version    = "http2and3"
  is_ipv6_enabled = true
  price_class     = var.price_class
  aliases         = var.aliases

  origin {
    origin_id           = "headwater"
    domain_name         = var.origin_domain_name
    origin_path         = "/cache/${var.cache_name}"
    connection_attempts = 3
    connection_timeout  = 10

    custom_origin_config {
      # Required by the provider; https-only never uses it.
      http_port                = 80
      https_port               = var.origin_https_port
      origin_protocol_policy   = "https-only"
      origin_ssl_protocols     = ["TLSv1.2"]
      origin_read_timeout      = 30
      origin_keepalive_timeout = 60
    }

    # Replaces whatever a viewer sends, for every behaviour below.
    custom_header {
      name  = "Authorization"
      value = var.player_key
    }
  }

  default_cache_behavior {
    target_origin_id         = "headwater"
    viewer_protocol_policy   = "redirect-to-https"
    allowed_methods          = ["GET", "HEAD", "OPTIONS"]
    cached_methods           = ["GET", "HEAD"]
    compress                 = true
    cache_policy_id          = aws_cloudfront_cache_policy.this["other"].id
    origin_request_policy_id = local.cors_custom_origin
  }

  dynamic "ordered_cache_behavior" {
    for_each = local.behaviours

    content {
      path_pattern             = ordered_cache_behavior.value.path
      target_origin_id         = "headwater"
      viewer_protocol_policy   = "redirect-to-https"
      allowed_methods          = ["GET", "HEAD", "OPTIONS"]
      cached_methods           = ["GET", "HEAD"]
      compress                 = ordered_cache_behavior.value.compress
      cache_policy_id          = ordered_cache_behavior.value.policy
      origin_request_policy_id = local.cors_custom_origin
    }
  }

  dynamic "custom_error_response" {
    for_each = local.error_ttls

    content {
      error_code            = custom_error_response.key
      error_caching_min_ttl = custom_error_response.value
    }
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  viewer_certificate {
    cloudfront_default_certificate = var.certificate_arn == null
    acm_certificate_arn            = var.certificate_arn
    ssl_support_method             = var.certificate_arn == null ? null : "sni-only"
    minimum_protocol_version       = var.certificate_arn == null ? "TLSv1" : "TLSv1.2_2021"
  }
}

output "domain_name" {
  description = "Viewers play https://<this>/playlist.m3u8"
  value       = aws_cloudfront_distribution.this.domain_name
}

output "distribution_id" {
  value = aws_cloudfront_distribution.this.id
}
