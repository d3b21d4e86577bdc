package org.userload.trace;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TraceTest {
    @Test
    void randomTrace_isCompactedLikeTheReference() throws IOException {
        Random random = new Random(TestTraces.seed("compaction"));
        List<TestTraces.Entry> entries = TestTraces.random(random, 40_000);
        List<Long> pages = ReferenceReplay.sortedPages(entries);
        Trace trace = TestTraces.load(entries);
        assertThat(trace.accessCount()).isEqualTo(entries.size());
        assertThat(trace.pageCount()).isEqualTo(pages.size());
        assertThat(trace.memoryBytes()).isEqualTo(pages.size() * 4096L);
        for (int page = 0; page < pages.size(); page++) {
            assertThat(trace.pageAddress(page)).isEqualTo(pages.get(page));
        }
        for (int i = 0; i < entries.size(); i++) {
            TestTraces.Entry entry = entries.get(i);
            assertThat(new TestTraces.Entry(trace.operation(i), trace.address(i), trace.sizeBytes(i)))
                    .isEqualTo(entry);
            int page = (int) (trace.guestAddress(i) >>> 12);
            assertThat(pages.get(page) + (trace.guestAddress(i) & 4095)).isEqualTo(entry.address());
        }
    }

    @Test
    void accessAcrossAPageBorder_touchesBothPages_whichAreNeighbours() throws IOException {
        Trace trace = TestTraces.load(List.of(
                new TestTraces.Entry(Operation.READ, 0x7000_0000_0000L, 1),
                new TestTraces.Entry(Operation.WRITE, 0x5ffe, 4),
                new TestTraces.Entry(Operation.READ, 0x1008, 1)));
        assertThat(trace.pageCount()).isEqualTo(4);
        assertThat(trace.guestAddress(0)).isEqualTo(3 * 4096L);
        assertThat(trace.guestAddress(1)).isEqualTo(4096 + 0xffe);
        assertThat(trace.guestAddress(2)).isEqualTo(8);
    }

    @Test
    void addressesWithTheHighestBit_comeLast() throws IOException {
        Trace trace = TestTraces.load(List.of(
                new TestTraces.Entry(Operation.READ, 0xffff_ffff_ff60_0000L, 1),
                new TestTraces.Entry(Operation.READ, 0x40_0000, 1)));
        assertThat(trace.guestAddress(0)).isEqualTo(4096);
        assertThat(trace.guestAddress(1)).isZero();
    }

    @Test
    void fingerprint_differs_whenOneAccessDiffers() throws IOException {
        List<TestTraces.Entry> base = List.of(new TestTraces.Entry(Operation.READ, 64, 8));
        long fingerprint = TestTraces.load(base).fingerprint();
        assertThat(TestTraces.load(base).fingerprint()).isEqualTo(fingerprint);
        for (TestTraces.Entry other : List.of(
                new TestTraces.Entry(Operation.FETCH, 64, 8),
                new TestTraces.Entry(Operation.READ, 65, 8),
                new TestTraces.Entry(Operation.READ, 64, 4))) {
            assertThat(TestTraces.load(List.of(other)).fingerprint()).isNotEqualTo(fingerprint);
        }
    }

    @Test
    void positionOutside_isRefused() throws IOException {
        Trace trace = TestTraces.load(List.of(new TestTraces.Entry(Operation.READ, 64, 8)));
        assertThatThrownBy(() -> trace.guestAddress(1)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> trace.operation(-1)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void summary_countsWhatTheTraceDoes() throws IOException {
        TraceSummary summary = TraceSummary.of(TestTraces.load(List.of(
                new TestTraces.Entry(Operation.FETCH, 0x1000, 3),
                new TestTraces.Entry(Operation.READ, 0x1010, 8),
                new TestTraces.Entry(Operation.WRITE, 0x2ffc, 8),
                new TestTraces.Entry(Operation.MODIFY, 0x3000, 4),
                new TestTraces.Entry(Operation.MODIFY, 0x9000, 4),
                new TestTraces.Entry(Operation.READ, 0xa000, 64))));
        assertThat(summary.accesses()).isEqualTo(6);
        assertThat(summary.fetches()).isEqualTo(1);
        assertThat(summary.reads()).isEqualTo(2);
        assertThat(summary.writes()).isEqualTo(1);
        assertThat(summary.modifies()).isEqualTo(2);
        assertThat(summary.bytesRead()).isEqualTo(3 + 8 + 4 + 4 + 64);
        assertThat(summary.bytesWritten()).isEqualTo(8 + 4 + 4);
        assertThat(summary.pages()).isEqualTo(5);
        assertThat(summary.pagesRead()).isEqualTo(4);
        assertThat(summary.pagesWritten()).isEqualTo(3);
        assertThat(summary.pagesFetched()).isEqualTo(1);
        assertThat(summary.firstTouchFetches()).isEqualTo(1);
        assertThat(summary.firstTouchWrites()).isEqualTo(2);
        assertThat(summary.firstTouchModifies()).isEqualTo(1);
        assertThat(summary.firstTouchReads()).isEqualTo(1);
        assertThat(summary.pageCrossings()).isEqualTo(1);
        assertThat(summary.largestAccessBytes()).isEqualTo(64);
        assertThat(summary.lowestAddress()).isEqualTo(0x1000);
        assertThat(summary.highestAddress()).isEqualTo(0xa03f);
        assertThat(summary.memoryBytes()).isEqualTo(5 * 4096);
    }

    @Test
    void heapExhaustion_isAnErrorThatSaysWhatToDo() {
        TraceTooLargeException e =
                new TraceTooLargeException("big.ult", 5_000_000, 700, 64L << 20, new OutOfMemoryError());
        assertThat(e)
                .hasMessageContaining("big.ult")
                .hasMessageContaining("64 MiB")
                .hasMessageContaining("-Xmx");
    }

    @Test
    void recordedExcerpt_withValgrindsOwnLines_isRead() throws Exception {
        Path excerpt =
                Path.of(TraceTest.class.getResource("perl-excerpt.lackey").toURI());
        TraceSummary summary = TraceSummary.of(TraceLoader.load(excerpt, TraceFormat.AUTO));
        assertThat(summary.accesses()).isEqualTo(3005);
        assertThat(summary.fetches()).isEqualTo(2366);
        assertThat(summary.writes()).isEqualTo(171);
        assertThat(summary.modifies()).isEqualTo(20);
        assertThat(summary.reads()).isEqualTo(448);
        assertThat(summary.pages()).isEqualTo(15);
    }

    @Test
    void defaultTrace_isThePerlRunThatTheDocumentationDescribes() throws IOException {
        TraceSummary summary = TraceSummary.of(TraceLoader.loadDefault());
        assertThat(summary.accesses()).isEqualTo(5_272_872);
        assertThat(summary.fetches()).isEqualTo(3_850_593);
        assertThat(summary.reads()).isEqualTo(878_118);
        assertThat(summary.writes()).isEqualTo(530_856);
        assertThat(summary.modifies()).isEqualTo(13_305);
        assertThat(summary.pages()).isEqualTo(734);
    }
}
