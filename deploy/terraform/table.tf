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

  # Sparse: what is not due any more is not in it, so that reading what is due costs by what is due.
  global_secondary_index {
    name               = "due"
    hash_key           = "due_shard"
    range_key          = "due_at"
    projection_type    = "INCLUDE"
    non_key_attributes = ["status"]
  }

  global_secondary_index {
    name            = "person"
    hash_key        = "person"
    range_key       = "created_at"
    projection_type = "KEYS_ONLY"
  }

  global_secondary_index {
    name            = "live"
    hash_key        = "live_database"
    range_key       = "created_at"
    projection_type = "KEYS_ONLY"
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
