"""Silver to gold: orders become sales by country and day."""

import sys

from awsglue.context import GlueContext
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from pyspark.sql import functions as f

args = getResolvedOptions(sys.argv, ["JOB_NAME", "read", "write"])
spark = GlueContext(SparkContext.getOrCreate()).spark_session

sales = (
    spark.table(args["read"])
    .withColumn("day", f.to_date("placed_at"))
    .groupBy("country", "day")
    .agg(f.count("*").alias("orders"), f.sum("amount").cast("decimal(18,2)").alias("amount"))
)
sales.write.mode("overwrite").insertInto(args["write"])
