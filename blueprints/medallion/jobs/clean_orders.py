"""Bronze to silver: JSON orders as they were delivered become rows of an Iceberg table."""

import sys

from awsglue.context import GlueContext
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from pyspark.sql import functions as f

args = getResolvedOptions(sys.argv, ["JOB_NAME", "read", "write"])
spark = GlueContext(SparkContext.getOrCreate()).spark_session

orders = (
    spark.read.json(args["read"])
    .select(
        f.col("order_id").cast("bigint"),
        f.upper("country").alias("country"),
        f.col("amount").cast("decimal(12,2)"),
        f.to_timestamp("placed_at").alias("placed_at"),
    )
    .dropna(subset=["order_id"])
    .dropDuplicates(["order_id"])
)
orders.writeTo(args["write"]).overwritePartitions()
