# What has no default has to be decided by whoever installs; everything else can be left alone.

variable "name" {
  type        = string
  default     = "dbaccess"
  description = "Prefix of the names of everything that is made; unique in the account and region"
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,23}$", var.name))
    error_message = "2 to 24 small letters, digits and dashes, starting with a letter."
  }
}

variable "installation" {
  type        = string
  description = "The setting Installation: the tag on every role; unique among installations that share a cluster"
  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$", var.installation))
    error_message = "1 to 63 letters, digits, '.', '_' or '-'."
  }
}

variable "tags" {
  type        = map(string)
  default     = {}
  description = "Tags for everything, in addition to Application and Installation"
}

# Network

variable "vpc_id" {
  type        = string
  description = "The VPC from which the databases can be reached"
}

variable "private_subnet_ids" {
  type        = list(string)
  description = "Where the service and the functions run, in two zones or more; with a way out (NAT) to slack.com and to AWS"
}

variable "public_subnet_ids" {
  type        = list(string)
  description = "Where the load balancer stands, in two zones or more: Slack calls it from the internet"
}

variable "databases" {
  type        = map(object({ security_group_id = string, port = optional(number, 5432) }))
  description = "The clusters by name: the security group in front of each, and its port. A rule is added to each group that lets this product in, and nothing else is changed there"
}

variable "slack_cidrs" {
  type        = list(string)
  default     = ["0.0.0.0/0"]
  description = "From where the load balancer may be called. Slack publishes no fixed addresses: requests are known by their signature"
}

# The web application

variable "image_uri" {
  type        = string
  description = "The image in ECR, by digest: web application and functions are one"
  validation {
    condition     = can(regex("^[0-9]{12}[.]dkr[.]ecr[.][a-z0-9-]+[.][a-z.]+/[^@]+@sha256:[0-9a-f]{64}$", var.image_uri))
    error_message = "account.dkr.ecr.region.amazonaws.com/repository@sha256:…: functions start from ECR only, and a tag may be another image tomorrow."
  }
}

variable "domain_name" {
  type        = string
  description = "The name under which Slack calls, such as dbaccess.example.com"
}

variable "zone_id" {
  type        = string
  description = "The Route 53 zone in which the name's record is made"
}

variable "certificate_arn" {
  type        = string
  description = "The ACM certificate for the name, in this region"
}

variable "web_tasks" {
  type        = number
  default     = 2
  description = "How many copies of the web application run; any number may"
}

variable "requests_per_address" {
  type        = number
  default     = 3000
  description = "How many requests one address may send in five minutes; the rest is blocked before it reaches the web application. 0: no rule, and no web ACL (AWS charges for one)"
  validation {
    condition     = var.requests_per_address == 0 || var.requests_per_address >= 100
    error_message = "AWS takes no fewer than 100."
  }
}

variable "web_cpu" {
  type        = number
  default     = 256
  description = "CPU units of one copy (1024 is one processor)"
}

variable "web_memory" {
  type        = number
  default     = 512
  description = "Memory of one copy, in MB"
}

variable "settings" {
  type        = map(string)
  default     = {}
  description = "Further settings for web application and functions, as environment variables (Slack__TeamId). Never secrets: they would be in Terraform's state. Slack's are read from the bucket"
}

variable "seal_key" {
  type        = string
  default     = "bucket"
  description = "Where the key lies that tells our records from forged ones: bucket (seal/key, made by the first start) or kms (an HMAC key, made here). To change it, give the former one as settings.Grants__FormerSealKey until the web application has said that it can go"
  validation {
    condition     = contains(["bucket", "kms"], var.seal_key)
    error_message = "bucket or kms."
  }
}

variable "secret_readers" {
  type        = list(string)
  default     = []
  description = "ARNs of further roles that may read credentials and Slack's secrets in the bucket, such as the one that rotates them, and anything else that is in it; nobody else may, whatever their own policies say. Writing needs none of this"
}

variable "restart" {
  type        = string
  default     = ""
  description = "Any text. A new one starts web application and functions anew, which is when they read Slack's secrets"
}

# The functions

variable "provisioning" {
  type        = string
  default     = "Lambda"
  description = "Lambda: create-db-user makes and removes roles, the web application only what it leaves undone. InProcess: the web application itself"
  validation {
    condition     = contains(["Lambda", "InProcess"], var.provisioning)
    error_message = "Lambda or InProcess."
  }
}

variable "function_entry_point" {
  type        = list(string)
  default     = ["/app/bootstrap"]
  description = "What the functions start in the image: the functions compiled ahead of time; [\"dotnet\", \"/app/DbAccess.Api.dll\"] is the whole product, which starts more slowly"
}

variable "function_package" {
  type        = object({ filename = string, runtime = optional(string, "provided.al2023") })
  default     = null
  description = "The functions from a zip instead of the image: scripts/package-functions makes it"
  validation {
    condition     = try(fileexists(var.function_package.filename), true)
    error_message = "There is no such file."
  }
}

variable "function_settings" {
  type        = map(string)
  default     = {}
  description = "Settings of the functions alone, over those of `settings`: where a file of their package is, say (PGSSLROOTCERT). Never secrets"
}

variable "function_architecture" {
  type        = string
  default     = "x86_64"
  description = "x86_64 or arm64, as the image or the package was built"
  validation {
    condition     = contains(["x86_64", "arm64"], var.function_architecture)
    error_message = "x86_64 or arm64."
  }
}

variable "function_memory" {
  type        = number
  default     = 1024
  description = "Memory of a function in MB; the processor's share grows with it, and with that the cold start shrinks"
}

variable "create_timeout" {
  type        = number
  default     = 60
  description = "Seconds that create-db-user has. A worker's lease is 45 seconds: less than that gives work back that would have been done"
}

variable "expire_timeout" {
  type        = number
  default     = 240
  description = "Seconds that expire-db-users has; below sweep_minutes, so that sweeps do not pile up"
}

variable "create_concurrency" {
  type        = number
  default     = 20
  description = "How many grants are worked on at once, over all clusters; -1 for no limit but the account's. It is also a limit on connections to the databases. It is reserved: the account needs a quota of so many, and those of expire-db-users, and 100 (a new account has 10 in all, and can reserve none)"
  validation {
    condition     = var.create_concurrency == -1 || var.create_concurrency >= 1
    error_message = "-1, or 1 and more."
  }
}

variable "expire_concurrency" {
  type        = number
  default     = 2
  description = "How many sweeps may run at once, reserved as create_concurrency is; -1 for no limit but the account's. Two, so that one that hangs does not hold up the next"
  validation {
    condition     = var.expire_concurrency == -1 || var.expire_concurrency >= 1
    error_message = "-1, or 1 and more."
  }
}

variable "sweep_minutes" {
  type        = number
  default     = 5
  description = "How often EventBridge starts the sweep"
  validation {
    condition     = var.sweep_minutes >= 2 && var.sweep_minutes <= 60
    error_message = "2 to 60."
  }
}

# Keeping

variable "deletion_protection" {
  type        = bool
  default     = true
  description = "Whether table and load balancer refuse to be deleted. The table is the record of who had access to what"
}

variable "force_destroy" {
  type        = bool
  default     = false
  description = "Whether terraform destroy may delete a bucket with everything in it; for tests only"
}

variable "restored_table" {
  type        = string
  default     = null
  description = "The name of a table that was restored beside the module's own: the roles may use it, too. Grants__DynamoDb__Table in `settings` then says which one is worked with"
}

variable "log_days" {
  type        = number
  default     = 90
  description = "How long logs are kept"
}

variable "export_lock_mode" {
  type        = string
  default     = "GOVERNANCE"
  description = "GOVERNANCE: who has s3:BypassGovernanceRetention can delete an export of the evidence log early. COMPLIANCE: nobody can, nor shorten it, and the bucket stays as long as the last of them"
  validation {
    condition     = contains(["GOVERNANCE", "COMPLIANCE"], var.export_lock_mode)
    error_message = "GOVERNANCE or COMPLIANCE."
  }
}

variable "export_lock_days" {
  type        = number
  default     = 400
  description = "How long an export of the evidence log cannot be changed or deleted, from when it was written"
  validation {
    condition     = var.export_lock_days >= 1 && var.export_lock_days <= 36500
    error_message = "1 to 36500."
  }
}

variable "old_versions_days" {
  type        = number
  default     = 90
  description = "How long a replaced policy or a rotated credential stays in the bucket"
}

variable "alarm_topic_arns" {
  type        = list(string)
  default     = []
  description = "SNS topics that alarms are sent to; without one they are only seen in the console"
}
