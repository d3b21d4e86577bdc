package org.userload.report.comparison;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.csv.CsvMapper;
import com.fasterxml.jackson.dataformat.csv.CsvSchema;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** From results to figures, table, finding, JSON and CSV. */
class FiguresTest {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    @TempDir
    private Path directory;

    private Run run(ComparedMode mode, int turn, String fields) throws IOException {
        ObjectNode json = (ObjectNode) MAPPER.readTree("{" + fields.replace('\'', '"') + "}");
        json.put("schema", "userload.result/1").put("mode", mode.toString()).put("memory_bytes", 1_000_000);
        if (mode != ComparedMode.NONE && !json.has("verified")) {
            json.put("verified", true);
        }
        Path file = directory.resolve("result.json");
        Files.writeString(file, json.toString());
        return Run.of(mode, turn, file);
    }

    private static Comparison comparison(List<ComparedMode> modes, Run... runs) {
        return new Comparison(SampleResults.setup("sort.ult", modes, 3), Arrays.asList(runs));
    }

    private Comparison twoModes() throws IOException {
        List<Run> runs = new ArrayList<>();
        long[] unmoved = {1_000_000, 2_000_000, 1_000_000};
        long[] downtimes = {12_345, 9_000, 20_000};
        for (int turn = 1; turn <= 3; turn++) {
            runs.add(run(ComparedMode.NONE, turn, "'guest_us': " + unmoved[turn - 1]));
            runs.add(run(
                    ComparedMode.POSTCOPY,
                    turn,
                    "'downtime_us': " + downtimes[turn - 1] + ", 'migration_us': 900000, 'wire_bytes': 1010000,"
                            + " 'guest_us': 2200000, 'blocked_us': 5,"
                            + " 'fault_latency_us': {'count': 7, 'p50': 100.5, 'p99': 900, 'new': 1}"));
            runs.add(run(
                    ComparedMode.PRECOPY,
                    turn,
                    "'downtime_us': 300000, 'migration_us': " + (850_000 + turn * 100_000)
                            + ", 'wire_bytes': 1500000, 'guest_us': 2200000,"
                            + " 'fault_latency_us': {'count': 0, 'p50': 0, 'p99': 0}"));
        }
        return comparison(List.of(ComparedMode.POSTCOPY, ComparedMode.PRECOPY), runs.toArray(Run[]::new));
    }

    @Test
    void table_hasMedianAndRangeOfEveryMode_within100Columns() throws Exception {
        String table = ComparisonTable.of(twoModes());
        assertThat(table)
                .contains("post-copy", "pre-copy", "12.3 ms (9.00-20.0)", "300 ms ", "1.01 x", "3/3")
                .contains("Unmoved, the guest takes 1.00 s (1.00-2.00).")
                // Each run against the unmoved run of its own turn: 2.2, 1.1 and 2.2 times.
                .contains("2.20 x (1.10-2.20)")
                .containsPattern("fault p50 +100 us|fault p50 +101 us");
        List<ComparedMode> all = Arrays.stream(ComparedMode.values())
                .filter(mode -> mode != ComparedMode.NONE)
                .toList();
        String wide = ComparisonTable.of(SampleResults.comparison("sort.ult", all, 3, directory));
        assertThat(wide.lines().filter(line -> line.startsWith(" ")))
                .hasSizeGreaterThan(Figure.values().length)
                .allSatisfy(line -> assertThat(line.stripTrailing()).hasSizeLessThanOrEqualTo(100));
    }

    @Test
    void memoryThatIsNotSent_isInTheTable_whereThereIsAny_andInEveryLineOfTheCsv() throws Exception {
        String fields = "'pages': {'total': 9, 'zero': 0, 'free': 1234, 'ballooned': 5, 'new': 1}, 'hint_bytes': 0,"
                + " 'hint_us': 2500";
        Comparison comparison = comparison(
                List.of(ComparedMode.POSTCOPY, ComparedMode.PRECOPY),
                run(ComparedMode.POSTCOPY, 1, fields),
                run(ComparedMode.PRECOPY, 1, "'pages': {'free': 1000}"),
                run(ComparedMode.PRECOPY, 2, "'pages': {'free': 2000}"));
        assertThat(ComparisonTable.of(comparison))
                .containsPattern("free pages +1234 +1500 .1000-2000.")
                .containsPattern("ballooned +5 +-")
                .containsPattern("hint time +2.50 ms +-")
                .doesNotContain("zero pages", "hint bytes");
        List<Map<String, String>> rows = new CsvMapper()
                .readerFor(Map.class)
                .with(CsvSchema.emptySchema().withHeader())
                .<Map<String, String>>readValues(ComparisonCsv.of(comparison))
                .readAll();
        assertThat(rows.get(0))
                .containsEntry("zero_pages", "0")
                .containsEntry("free_pages", "1234")
                .containsEntry("ballooned_pages", "5")
                .containsEntry("hint_bytes", "0")
                .containsEntry("hint_us", "2500");
        assertThat(rows.get(1)).containsEntry("free_pages", "1000").containsEntry("hint_us", "");
    }

    @Test
    void finding_callsBestOnlyWhatWasBetterInEveryRun() throws Exception {
        String finding = Finding.of(twoModes());
        assertThat(finding)
                .contains("Post-copy stopped the guest for the shortest time (12.3 ms; pre-copy 300 ms)")
                .contains("no clear difference in slowdown between post-copy 2.20 x, pre-copy 2.20 x")
                .contains("post-copy was the first to be done (900 ms; pre-copy 1.05 s)")
                .doesNotContain("failed");
    }

    @Test
    void failedAndWrongRuns_doNotCount_andAreNamed() throws Exception {
        Run wrong = run(ComparedMode.POSTCOPY, 2, "'verified': false, 'downtime_us': 1");
        Comparison comparison = comparison(
                List.of(ComparedMode.POSTCOPY),
                run(ComparedMode.POSTCOPY, 1, "'downtime_us': 5000"),
                wrong,
                Run.failed(ComparedMode.POSTCOPY, 3, "the source is lost"));
        assertThat(ComparisonTable.of(comparison))
                .contains("5.00 ms", "1/3", "2 of 3 runs failed", "No unmoved run")
                .doesNotContain("1 us");
        assertThat(comparison.failures()).extracting(Run::turn).containsExactly(2, 3);
        assertThat(wrong.error()).contains("differ from a run that never moved");
    }

    @Test
    void resultOfAnotherSchemaOrMode_isRefused() throws Exception {
        Path file = directory.resolve("other.json");
        for (String content : List.of("[]", "{}", "{\"schema\": \"userload.load/1\", \"mode\": \"postcopy\"}")) {
            Files.writeString(file, content);
            assertThatThrownBy(() -> Run.of(ComparedMode.POSTCOPY, 1, file)).hasMessageContaining("userload.result/1");
        }
        Files.writeString(file, "{\"schema\": \"userload.result/1\", \"mode\": \"precopy\"}");
        assertThatThrownBy(() -> Run.of(ComparedMode.POSTCOPY, 1, file)).hasMessageContaining("precopy");
    }

    @Test
    void json_hasFiguresAndEveryRawResult() throws Exception {
        Comparison comparison = twoModes();
        JsonNode json = MAPPER.valueToTree(ComparisonJson.of(comparison));
        assertThat(json.get("schema").asText()).isEqualTo("userload.comparison/1");
        assertThat(json.get("machine").get("cpus").asInt()).isPositive();
        JsonNode downtime = json.at("/summary/postcopy/figures/downtime_us");
        assertThat(downtime.get("median").asDouble()).isEqualTo(12_345);
        assertThat(downtime.get("min").asDouble()).isEqualTo(9_000);
        assertThat(downtime.get("max").asDouble()).isEqualTo(20_000);
        assertThat(json.at("/summary/none/figures").fieldNames()).toIterable().containsExactly("guest_us");
        assertThat(json.get("runs")).hasSize(9);
        assertThat(json.at("/runs/1/result")).isEqualTo(comparison.runs().get(1).raw());
        assertThat(json.at("/runs/1/result/fault_latency_us/new").asInt()).isEqualTo(1);
    }

    @Test
    void guestThatIsNeverBack_isNullInJson_infInCsv_neverInTheTable() throws Exception {
        StringBuilder buckets = new StringBuilder();
        for (int i = -20; i < 100; i++) {
            buckets.append(i == -20 ? "" : ",")
                    .append("{'t_us': " + i * 10_000 + ", 'accesses': " + (i < 0 ? 100 : 50) + "}");
        }
        Comparison comparison = comparison(
                List.of(ComparedMode.POSTCOPY),
                run(ComparedMode.POSTCOPY, 1, "'timeline': {'paused_us': 0}, 'throughput': [" + buckets + "]"));
        JsonNode range = MAPPER.valueToTree(ComparisonJson.of(comparison)).at("/summary/postcopy/figures/recovery_us");
        assertThat(range.get("median").isNull()).isTrue();
        assertThat(range.get("never").asInt()).isEqualTo(1);
        assertThat(new String(ComparisonCsv.of(comparison), java.nio.charset.StandardCharsets.UTF_8))
                .contains(",inf,");
        assertThat(ComparisonTable.of(comparison)).containsPattern("back at 90 % +never");
    }

    @Test
    void csv_hasALineForEachRun_andAnyTextComesBack() throws Exception {
        String error = "cannot read \"a,b\"\n=cmd";
        List<Run> runs = new ArrayList<>(twoModes().runs());
        runs.add(Run.failed(ComparedMode.POSTCOPY, 4, error));
        byte[] csv = ComparisonCsv.of(
                comparison(List.of(ComparedMode.POSTCOPY, ComparedMode.PRECOPY), runs.toArray(Run[]::new)));
        List<Map<String, String>> rows = new CsvMapper()
                .readerFor(Map.class)
                .with(CsvSchema.emptySchema().withHeader())
                .<Map<String, String>>readValues(csv)
                .readAll();
        assertThat(rows).hasSize(10);
        assertThat(rows.get(1))
                .containsEntry("mode", "postcopy")
                .containsEntry("turn", "1")
                .containsEntry("good", "true")
                .containsEntry("downtime_us", "12345")
                .containsEntry("slowdown", "2.2")
                .containsEntry("sent_ratio", "1.01")
                .containsEntry("recovery_us", "");
        assertThat(rows.get(9)).containsEntry("good", "false").containsEntry("error", error);
    }

    @Test
    void plotData_neverEndsItsScript() throws Exception {
        Run hostile = run(
                ComparedMode.POSTCOPY,
                1,
                "'page_map': {'pages_per_cell': 1, 'cells': [{'t_us': 1, 'way': '</script><!--&\\u2028'}]}");
        String json =
                PlotData.of(comparison(List.of(ComparedMode.POSTCOPY), hostile)).json();
        assertThat(json).doesNotContain("<", ">", "&", "\u2028");
        assertThat(MAPPER.readTree(json).at("/modes/0/map/points/0/2").asText()).isEqualTo("</script><!--&\u2028");
    }

    @Test
    void medianOfAnEvenNumber_isTheMeanOfTheMiddle() {
        assertThat(Spread.of(List.of(4.0, 1.0, 3.0, 2.0))).isEqualTo(new Spread(2.5, 1, 4, 4));
        assertThat(Spread.of(List.of())).isNull();
        assertThat(new Spread(3, 1, 4, 2).isBelow(new Spread(5, 4, 6, 2))).isFalse();
        assertThat(new Spread(3, 1, 4, 2).isBelow(new Spread(5, 4.1, 6, 2))).isTrue();
    }
}
