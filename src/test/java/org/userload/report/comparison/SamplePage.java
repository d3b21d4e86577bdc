package org.userload.report.comparison;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Writes a page of made-up results, to look at: {@code SamplePage FILE}. */
public final class SamplePage {
    private SamplePage() {}

    public static void main(String[] arguments) throws Exception {
        Path directory = Files.createTempDirectory("userload-sample");
        Comparison comparison = SampleResults.comparison(
                "sample.ult.zst",
                List.of(ComparedMode.POSTCOPY, ComparedMode.PRECOPY, ComparedMode.HYBRID, ComparedMode.STOPCOPY),
                5,
                directory);
        Files.write(Path.of(arguments[0]), ComparisonPage.of(comparison));
        System.out.println(ComparisonTable.of(comparison));
        try (var files = Files.list(directory)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(directory);
    }
}
