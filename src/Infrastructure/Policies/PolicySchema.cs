namespace DbAccess.Infrastructure.Policies;

/// <summary>
/// The policy file as JSON Schema (draft-07, which editors read), for completion and a first look while typing. The reader says more, and
/// it alone decides; tests hold the two together.
/// </summary>
public static class PolicySchema
{
    public const string Text = """
        {
          "$schema": "http://json-schema.org/draft-07/schema#",
          "title": "DbAccess access policy",
          "type": "object",
          "additionalProperties": false,
          "required": ["version", "clusters", "databases", "scopes", "allow"],
          "properties": {
            "version": { "const": 1 },
            "clusters": { "type": "object", "additionalProperties": {
              "type": ["object", "null"], "additionalProperties": false,
              "properties": { "connect": { "$ref": "#/definitions/connect" } } } },
            "databases": { "type": "object", "additionalProperties": { "$ref": "#/definitions/database" } },
            "scopes": { "type": "object", "additionalProperties": { "$ref": "#/definitions/scope" } },
            "calendars": { "type": "object", "additionalProperties": { "$ref": "#/definitions/calendar" } },
            "groups": { "description": "The group everyone is built in", "type": "object", "additionalProperties": {
              "type": "object", "additionalProperties": false, "properties": {
                "users": { "type": "array", "items": { "type": "string", "pattern": "^[UW][A-Z0-9]+$" } },
                "slack_usergroup": { "type": "string", "pattern": "^S[A-Z0-9]+$" } } } },
            "admins": { "$ref": "#/definitions/groups" },
            "forbid": { "type": "array", "items": { "$ref": "#/definitions/forbid" } },
            "allow": { "type": "array", "items": { "$ref": "#/definitions/allow" } },
            "tests": { "description": "Run by policy lint", "type": "array", "items": { "$ref": "#/definitions/test" } }
          },
          "definitions": {
            "length": { "description": "45s, 30m, 2h, 1h30m, 1d", "type": "string",
              "pattern": "^(?=[0-9])([0-9]+[dD])?([0-9]+[hH])?([0-9]+[mM])?([0-9]+[sS])?$" },
            "day": { "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" },
            "time": { "type": "string", "pattern": "^[0-9]{2}:[0-9]{2}$" },
            "channel": { "description": "The id of a Slack channel", "type": "string", "pattern": "^[CG][A-Z0-9]+$" },
            "names": { "type": "array", "minItems": 1, "uniqueItems": true, "items": { "type": "string" } },
            "groups": { "anyOf": [{ "type": "string" }, { "$ref": "#/definitions/names" }] },
            "id": { "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$" },
            "connect": { "description": "How people reach it", "type": "object", "additionalProperties": false, "properties": {
              "host": { "type": "string" }, "port": { "type": "integer", "minimum": 1, "maximum": 65535 },
              "sslmode": { "enum": ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] },
              "sslrootcert": { "type": "string" }, "note": { "type": "string", "maxLength": 200 },
              "bastion": { "type": "string", "maxLength": 200 } } },
            "database": { "type": "object", "additionalProperties": false, "required": ["cluster", "database", "scopes"],
              "properties": {
              "cluster": { "type": "string" },
              "database": { "anyOf": [{ "type": "string" },
                { "type": "array", "minItems": 1, "maxItems": 20, "items": { "type": "string" } }] },
              "scopes": { "type": "array", "uniqueItems": true, "items": { "type": "string" } },
              "tags": { "type": "object", "additionalProperties": { "type": ["string", "number", "boolean"] } },
              "allow_public_create": { "type": "boolean" } } },
            "scope": { "type": "object", "additionalProperties": false, "properties": {
              "description": { "type": "string", "maxLength": 200 },
              "privileges": { "type": "array", "minItems": 1, "items": { "$ref": "#/definitions/privilege" } },
              "settings": { "type": "object", "additionalProperties": { "type": ["string", "number", "boolean"] } },
              "connections": { "type": "integer", "minimum": 1, "maximum": 100 },
              "run_as": { "type": "string" }, "risk": { "const": "high" } } },
            "privilege": { "type": "object", "additionalProperties": false, "required": ["on", "allow"], "properties": {
              "on": { "type": "string",
                "description": "tables in schema X or X_*, table X.Y, tables X.part*, sequences of table X.Y, schema X" },
              "allow": { "type": "array", "minItems": 1, "uniqueItems": true, "items": { "enum": ["select", "insert", "update", "delete",
                "truncate", "references", "trigger", "maintain", "usage", "execute"] } },
              "columns": { "$ref": "#/definitions/names" }, "database": { "type": "string" } } },
            "calendar": { "type": "object", "additionalProperties": false, "required": ["days", "zone"],
              "dependencies": { "from": ["until"], "until": ["from"] }, "properties": {
                "days": { "type": "array", "minItems": 1, "uniqueItems": true,
                  "items": { "enum": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] } },
                "from": { "$ref": "#/definitions/time" }, "until": { "$ref": "#/definitions/time" },
                "zone": { "description": "Europe/Istanbul", "type": "string" },
                "except": { "type": "array", "uniqueItems": true, "items": { "$ref": "#/definitions/day" } } } },
            "forbid": { "type": "object", "additionalProperties": false, "required": ["id", "who", "databases", "scopes"],
              "properties": {
              "id": { "$ref": "#/definitions/id" }, "who": { "$ref": "#/definitions/names" },
              "databases": { "$ref": "#/definitions/names" }, "scopes": { "$ref": "#/definitions/names" },
              "from": { "$ref": "#/definitions/day" }, "until": { "$ref": "#/definitions/day" } } },
            "allow": { "type": "object", "additionalProperties": false, "required": ["id", "who", "databases", "scopes", "lifetime"],
              "anyOf": [{ "required": ["approval"] }, { "required": ["break_glass"] }], "properties": {
                "id": { "$ref": "#/definitions/id" }, "who": { "$ref": "#/definitions/names" },
                "databases": { "description": "Names, \"*\" or tag:key=value", "$ref": "#/definitions/names" },
                "scopes": { "$ref": "#/definitions/names" },
                "when": { "description": "A calendar, or not and a calendar", "type": "string" },
                "lifetime": { "type": "object", "additionalProperties": false, "required": ["default", "max"], "properties": {
                  "default": { "$ref": "#/definitions/length" }, "max": { "$ref": "#/definitions/length" },
                  "min": { "$ref": "#/definitions/length" },
                  "extend": { "type": "object", "additionalProperties": false, "required": ["times", "by"], "properties": {
                    "times": { "type": "integer", "minimum": 1, "maximum": 100 }, "by": { "$ref": "#/definitions/length" } } } } },
                "require": { "type": "object", "additionalProperties": false, "properties": {
                  "reason_min": { "type": "integer", "minimum": 0, "maximum": 1000 }, "ticket": { "type": "string", "maxLength": 500 } } },
                "caps": { "description": "Per person", "type": "object", "additionalProperties": false, "minProperties": 1, "properties": {
                  "day": { "type": "integer", "minimum": 1, "maximum": 1000 },
                  "at_once": { "type": "integer", "minimum": 1, "maximum": 1000 } } },
                "approval": { "anyOf": [{ "const": "none" }, { "$ref": "#/definitions/approval" }] },
                "break_glass": { "type": "object", "additionalProperties": false, "required": ["review"], "properties": {
                  "tell": { "$ref": "#/definitions/channel" },
                  "review": { "type": "object", "additionalProperties": false, "required": ["any", "of"], "properties": {
                    "any": { "type": "integer", "minimum": 1, "maximum": 100 }, "of": { "$ref": "#/definitions/groups" },
                    "within": { "$ref": "#/definitions/length" } } } } } } },
            "approval": { "type": "object", "additionalProperties": false, "required": ["stages"], "properties": {
              "stages": { "type": "array", "minItems": 1, "items": { "type": "object", "additionalProperties": false,
                "required": ["any", "of"], "properties": {
                  "any": { "type": "integer", "minimum": 1, "maximum": 100 }, "of": { "$ref": "#/definitions/groups" } } } },
              "lapse": { "$ref": "#/definitions/length" },
              "remind": { "type": "array", "maxItems": 10, "uniqueItems": true, "items": { "$ref": "#/definitions/length" } },
              "channel": { "$ref": "#/definitions/channel" } } },
            "test": { "type": "object", "additionalProperties": false, "required": ["ask", "expect"], "properties": {
              "ask": { "description": "As it is typed in Slack", "type": "string", "maxLength": 3000 },
              "in": { "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] },
              "at": { "description": "2026-12-01T10:00:00Z", "type": "string" },
              "expect": { "enum": ["allowed", "approval", "refused"] },
              "rule": { "$ref": "#/definitions/id" }, "code": { "type": "string" } } }
          }
        }
        """;
}
