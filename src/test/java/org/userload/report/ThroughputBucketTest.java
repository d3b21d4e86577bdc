package org.userload.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.userload.support.Seeds;
import org.userload.trace.ThroughputSamples;
import org.userload.trace.ThroughputSamples.Sample;

class ThroughputBucketTest {
    private static final long MS = 1_000_000;
    private static final long ORIGIN = Long.MAX_VALUE - 5 * MS;

    /** At milliseconds after the origin. */
    private static Sample at(long millis, long accesses) {
        return new Sample(ORIGIN + millis * MS, accesses);
    }

    private static ThroughputSamples process(Sample... samples) {
        return new ThroughputSamples(List.of(samples));
    }

    private static ThroughputBucket bucket(long millis, long accesses) {
        return new ThroughputBucket(millis * 1_000, accesses);
    }

    @Test
    void accessesBetweenTwoSamples_areSharedByTime() {
        assertThat(ThroughputBucket.of(ORIGIN, List.of(process(at(-5, 0), at(25, 300)))))
                .containsExactly(bucket(-10, 50), bucket(0, 100), bucket(10, 100), bucket(20, 50));
    }

    @Test
    void guestThatIsPausedOrAway_hasEmptyBuckets_andGoesOnElsewhere() {
        ThroughputSamples source = process(at(0, 500), at(10, 600), at(20, 700), at(24, 740), at(70, 740));
        ThroughputSamples destination = process(at(20, 0), at(55, 0), at(60, 60), at(80, 90));
        assertThat(ThroughputBucket.of(ORIGIN, List.of(source, destination)))
                .containsExactly(
                        bucket(0, 100),
                        bucket(10, 100),
                        bucket(20, 40),
                        bucket(30, 0),
                        bucket(40, 0),
                        bucket(50, 60),
                        bucket(60, 15),
                        bucket(70, 15),
                        bucket(80, 0));
    }

    @Test
    void sumOfTheBuckets_isWhatWasSampled() {
        SplittableRandom random = Seeds.random("buckets");
        for (int round = 0; round < 200; round++) {
            List<ThroughputSamples> processes = new ArrayList<>();
            long expected = 0;
            for (int p = 0; p < 3; p++) {
                List<Sample> samples = new ArrayList<>();
                long nanos = ORIGIN + random.nextInt(200_000_000) - 100_000_000;
                long accesses = random.nextInt(1_000);
                for (int i = 0; i < random.nextInt(50) + 1; i++) {
                    samples.add(new Sample(nanos, accesses));
                    nanos += random.nextInt(30_000_000);
                    expected += i == 0 ? 0 : accesses - samples.get(i - 1).accesses();
                    accesses += random.nextBoolean() ? 0 : random.nextInt(2_000_000_000);
                }
                processes.add(new ThroughputSamples(samples));
            }
            List<ThroughputBucket> buckets = ThroughputBucket.of(ORIGIN, processes);
            assertThat(buckets.stream().mapToLong(ThroughputBucket::accesses)).allMatch(n -> n >= 0);
            assertThat(buckets.stream().mapToLong(ThroughputBucket::accesses).sum())
                    .isEqualTo(expected);
            for (int i = 1; i < buckets.size(); i++) {
                assertThat(buckets.get(i).tUs() - buckets.get(i - 1).tUs()).isEqualTo(10_000);
            }
        }
    }

    @Test
    void nothingSampled_isNoBucket() {
        assertThat(ThroughputBucket.of(ORIGIN, List.of())).isEmpty();
        assertThat(ThroughputBucket.of(ORIGIN, List.of(ThroughputSamples.NONE))).isEmpty();
        assertThat(ThroughputBucket.of(ORIGIN, List.of(process(at(3, 9))))).containsExactly(bucket(0, 0));
    }

    @Test
    void samplesOfTwoClocks_areRefused() {
        assertThatThrownBy(() -> ThroughputBucket.of(0, List.of(process(new Sample(0, 1), new Sample(1L << 60, 2)))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("not of one host");
    }

    @Test
    void samples_crossProcessesAsOneLine() throws IOException {
        ThroughputSamples samples = process(at(0, 1), at(10, 2));
        String line = JsonLine.of(samples);
        assertThat(line).doesNotContain("\n");
        assertThat(JsonLine.parse(line, ThroughputSamples.class)).isEqualTo(samples);
        assertThatThrownBy(() -> JsonLine.parse(
                        "{\"samples\":[{\"nanos\":2,\"accesses\":1},{\"nanos\":1,\"accesses\":1}]}",
                        ThroughputSamples.class))
                .isInstanceOf(IOException.class);
        for (String wrong : List.of("", "null", "{}", "{\"samples\":7}", line + line)) {
            assertThatThrownBy(() -> JsonLine.parse(wrong, ThroughputSamples.class))
                    .isInstanceOf(IOException.class);
        }
    }

    @Test
    void bucket_isNamedAsInTheResult() {
        assertThat(JsonLine.of(bucket(-10, 3))).isEqualTo("{\"t_us\":-10000,\"accesses\":3}");
    }
}
