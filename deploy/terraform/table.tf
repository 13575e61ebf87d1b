locals {
  # Sparse. What is not due any more is not in "due", so that reading what is due costs by what is due.
  indexes = {
    due    = { hash = "due_shard", range = "due_at", carries = ["status"] }
    person = { hash = "person", range = "created_at", carries = null }
    live   = { hash = "live_database", range = "created_at", carries = null }
  }

  # One that was restored from a backup beside it, for as long as somebody looks at it or works with it.
  restored    = var.restored_table == null ? [] : ["arn:${local.partition}:dynamodb:${local.region}:${local.account}:table/${var.restored_table}"]
  tables      = concat([aws_dynamodb_table.grants.arn], local.restored)
  all_indexes = [for table in local.tables : "${table}/index/*"]
}

# The contract with the DynamoDB adapter: it checks these keys and indexes when it starts.
resource "aws_dynamodb_table" "grants" {
  name                        = "${var.name}-grants"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "pk"
  range_key                   = "sk"
  deletion_protection_enabled = var.deletion_protection
  tags                        = local.tags

  dynamic "attribute" {
    for_each = { pk = "S", sk = "S", due_shard = "S", due_at = "N", person = "S", live_database = "S", created_at = "N" }
    content {
      name = attribute.key
      type = attribute.value
    }
  }

  dynamic "global_secondary_index" {
    for_each = local.indexes
    content {
      name               = global_secondary_index.key
      hash_key           = global_secondary_index.value.hash
      range_key          = global_secondary_index.value.range
      projection_type    = global_secondary_index.value.carries == null ? "KEYS_ONLY" : "INCLUDE"
      non_key_attributes = global_secondary_index.value.carries
    }
  }

  # Only ended grants have it, long after their audit was exported; expiry never rests on it.
  ttl {
    attribute_name = "purge_at"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = aws_kms_key.this.arn
  }
}
