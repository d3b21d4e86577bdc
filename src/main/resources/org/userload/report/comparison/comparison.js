'use strict';
(function () {
  const data = JSON.parse(document.getElementById('data').textContent);
  const dark = window.matchMedia('(prefers-color-scheme: dark)');
  const PRINT_WIDTH = 700;
  let printing = false;

  // Okabe and Ito's palette, told apart with every kind of colour vision; brighter ones on dark paper. Lines also
  // differ in dash, so that they are told apart without colour.
  const MODE_LOOK = {
    postcopy: { light: '#0072b2', dark: '#56b4e9', dash: 'solid', symbol: 'circle' },
    precopy: { light: '#d55e00', dark: '#e69f00', dash: [6, 3], symbol: 'rect' },
    hybrid: { light: '#007a5a', dark: '#2fc79a', dash: [2, 2], symbol: 'triangle' },
    stopcopy: { light: '#b0528b', dark: '#cc79a7', dash: [8, 3, 2, 3], symbol: 'diamond' },
    none: { light: '#8a929c', dark: '#7d8793', dash: 'solid', symbol: 'none' }
  };
  const WAYS = [
    { way: 'precopy', name: 'before the guest moved', light: '#007a5a', dark: '#2fc79a' },
    { way: 'stream', name: 'in the stream', light: '#0072b2', dark: '#56b4e9' },
    { way: 'zero', name: 'as a zero page', light: '#a6adb6', dark: '#6d7680' },
    { way: 'free', name: 'not at all: it was free', light: '#b0528b', dark: '#cc79a7' },
    { way: 'demand', name: 'on demand, after a fault', light: '#d55e00', dark: '#f0a030' }
  ];

  function isDark() {
    return dark.matches && !printing;
  }
  function pick(look) {
    return isDark() ? look.dark : look.light;
  }
  function modeLook(mode) {
    return MODE_LOOK[mode.mode] || MODE_LOOK.none;
  }
  function ink() {
    return isDark()
      ? { text: '#e7eaee', soft: '#9aa4b0', line: '#363c44', panel: '#262b31', paper: '#15181c' }
      : { text: '#1b1f24', soft: '#5b6470', line: '#dfe3e7', panel: '#ffffff', paper: '#ffffff' };
  }

  // Numbers for people: three digits.
  function digits(value) {
    const size = Math.abs(value);
    if (value === 0 || size >= 99.95) {
      return Math.round(value).toLocaleString('en');
    }
    return value.toFixed(size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3);
  }
  function big(value) {
    if (value >= 1e9) { return trim(value / 1e9) + ' G'; }
    if (value >= 1e6) { return trim(value / 1e6) + ' M'; }
    if (value >= 1e3) { return trim(value / 1e3) + ' k'; }
    return trim(value);
  }
  function trim(value) {
    return String(Number(value.toPrecision(3)));
  }
  function micros(us) {
    if (us >= 1e6) { return trim(us / 1e6) + ' s'; }
    if (us >= 1e3) { return trim(us / 1e3) + ' ms'; }
    return trim(us) + ' us';
  }
  function timeUnit(spanMs) {
    return spanMs > 3000 ? { name: 's', by: 1000 } : { name: 'ms', by: 1 };
  }
  function known(values) {
    return values.filter(function (value) { return typeof value === 'number'; });
  }

  function axis(name, more) {
    const c = ink();
    return Object.assign({
      name: name,
      nameLocation: 'middle',
      nameTextStyle: { color: c.text, fontSize: 13 },
      axisLine: { show: true, lineStyle: { color: c.soft } },
      axisTick: { lineStyle: { color: c.soft } },
      axisLabel: { color: c.soft, fontSize: 12, hideOverlap: true },
      splitLine: { lineStyle: { color: c.line } },
      minorSplitLine: { show: false }
    }, more);
  }
  function base(more) {
    const c = ink();
    return Object.assign({
      animation: false,
      backgroundColor: 'transparent',
      textStyle: { fontFamily: 'system-ui, "Segoe UI", "Noto Sans", "Helvetica Neue", Arial, sans-serif' }
    }, more, {
      tooltip: Object.assign({
        renderMode: 'richText',
        confine: true,
        backgroundColor: c.panel,
        borderColor: c.soft,
        textStyle: { color: c.text, fontSize: 12.5 },
        axisPointer: { lineStyle: { color: c.soft } }
      }, more.tooltip)
    });
  }
  function legend(more) {
    const c = ink();
    return Object.assign({ top: 0, left: 0, itemWidth: 30, textStyle: { color: c.text, fontSize: 13 } }, more);
  }

  // 1: throughput over time, below lanes that show when each mode moved and paused.
  function throughput() {
    const lines = data.modes.concat(data.unmoved ? [data.unmoved] : []).filter(function (mode) {
      return mode.throughput.length > 0;
    });
    if (lines.length === 0) {
      return 'The results have no throughput.';
    }
    const moved = data.modes.filter(function (mode) { return mode.paused_ms !== null; });
    const ends = known(moved.map(function (mode) {
      return Math.max(mode.resumed_ms || 0, mode.pages_in_ms || 0);
    }));
    const span = Math.max.apply(null, ends.concat([100]));
    const first = Math.max(-Math.max(span * 0.25, 200), Math.min.apply(null, lines.map(function (mode) {
      return mode.throughput[0][0];
    })));
    const last = Math.min(span * 1.5 + 300, Math.max.apply(null, lines.map(function (mode) {
      return mode.throughput[mode.throughput.length - 1][0] + 10;
    })));
    const unit = timeUnit(last - first);
    const laneHeight = 20;
    const lanesTop = 40;
    const plotTop = lanesTop + moved.length * laneHeight + 22;
    const c = ink();
    const series = lines.map(function (mode) {
      const look = modeLook(mode);
      return {
        type: 'line', name: mode.label, step: 'end', showSymbol: false, symbol: look.symbol,
        xAxisIndex: 0, yAxisIndex: 0, z: mode.mode === 'none' ? 1 : 3,
        lineStyle: { width: mode.mode === 'none' ? 1.2 : 1.8, type: look.dash, color: pick(look) },
        itemStyle: { color: pick(look) },
        data: mode.throughput.filter(function (point) {
          return point[0] + 10 >= first && point[0] <= last;
        }).map(function (point) { return [point[0] / unit.by, point[1]]; }),
        markLine: mode.paused_ms === null ? undefined : {
          silent: true, symbol: 'none', label: { show: false },
          lineStyle: { color: pick(look), type: 'dotted', width: 1, opacity: 0.8 },
          data: known([mode.paused_ms, mode.resumed_ms]).map(function (at) { return { xAxis: at / unit.by }; })
        }
      };
    });
    moved.forEach(function (mode, lane) {
      const colour = pick(modeLook(mode));
      const y = mode.label;
      const end = Math.max(mode.pages_in_ms || 0, mode.resumed_ms || 0);
      series.push({
        type: 'line', name: mode.label, xAxisIndex: 1, yAxisIndex: 1, symbol: 'none', silent: true,
        lineStyle: { width: 5, color: colour, opacity: 0.35, cap: 'butt' },
        data: [[0, y], [end / unit.by, y]]
      });
      series.push({
        type: 'line', name: mode.label, xAxisIndex: 1, yAxisIndex: 1, symbol: 'rect', symbolSize: [2, 13],
        lineStyle: { width: 11, color: colour, opacity: 1, cap: 'butt' },
        itemStyle: { color: colour },
        data: known([mode.paused_ms, mode.resumed_ms]).map(function (at) { return [at / unit.by, y]; })
      });
    });
    return {
      height: plotTop + 330,
      option: base({
        legend: legend({ data: lines.map(function (mode) { return mode.label; }) }),
        grid: [
          { left: 110, right: 24, top: plotTop, bottom: 48 },
          { left: 110, right: 24, top: lanesTop, height: moved.length * laneHeight }
        ],
        xAxis: [
          axis('time since the migration began [' + unit.name + ']', {
            type: 'value', min: first / unit.by, max: last / unit.by, gridIndex: 0, nameGap: 28,
            axisLabel: { color: c.soft, formatter: function (v) { return trim(v); }, showMinLabel: false, showMaxLabel: false }
          }),
          { type: 'value', min: first / unit.by, max: last / unit.by, gridIndex: 1, show: false }
        ],
        yAxis: [
          axis('accesses per second', {
            type: 'value', min: 0, gridIndex: 0, nameGap: 62,
            axisLabel: { color: c.soft, formatter: big }
          }),
          {
            type: 'category', gridIndex: 1, inverse: true, data: moved.map(function (mode) { return mode.label; }),
            axisLine: { show: false }, axisTick: { show: false }, splitLine: { show: false },
            axisLabel: { color: c.soft, fontSize: 12, interval: 0 }
          }
        ],
        tooltip: {
          trigger: 'axis',
          formatter: function (points) {
            const shown = points.filter(function (p) { return p.axisIndex === 0; });
            if (shown.length === 0) { return ''; }
            return [digits(shown[0].data[0]) + ' ' + unit.name].concat(shown.map(function (p) {
              return p.seriesName + ': ' + big(p.data[1]) + ' accesses/s';
            })).join('\n');
          }
        },
        series: series
      })
    };
  }

  // 2: downtime and migration time.
  function times() {
    const figures = [
      { key: 'downtime', name: 'downtime' },
      { key: 'migration', name: 'migration time' }
    ];
    const all = data.modes.filter(function (mode) { return mode.downtime || mode.migration; });
    if (all.length === 0) {
      return 'No run has moved the guest.';
    }
    const c = ink();
    const grid = [];
    const xAxis = [];
    const yAxis = [];
    const series = [];
    figures.forEach(function (figure, index) {
      const modes = all.filter(function (mode) { return mode[figure.key]; });
      const unit = timeUnit(Math.max.apply(null, modes.map(function (mode) { return mode[figure.key].max; })));
      const value = function (ms) { return ms / unit.by; };
      grid.push({ left: index === 0 ? 70 : '56%', width: '38%', top: 28, bottom: 40 });
      xAxis.push(axis('', {
        type: 'category', gridIndex: index, data: modes.map(function (mode) { return mode.label; }),
        axisTick: { show: false }, axisLabel: { color: c.text, fontSize: 13, interval: 0 }
      }));
      yAxis.push(axis(figure.name + ' [' + unit.name + ']', {
        type: 'value', min: 0, boundaryGap: [0, '12%'], gridIndex: index, nameGap: 48, axisLabel: { color: c.soft, formatter: big }
      }));
      series.push({
        type: 'bar', name: figure.name, xAxisIndex: index, yAxisIndex: index, barMaxWidth: 64,
        data: modes.map(function (mode) {
          return { value: value(mode[figure.key].median), itemStyle: { color: pick(modeLook(mode)) } };
        }),
        markLine: {
          silent: true, symbol: 'none', label: { show: false },
          lineStyle: { color: c.text, width: 1.5, type: 'solid' },
          data: modes.filter(function (mode) {
            return mode[figure.key].max > mode[figure.key].min;
          }).map(function (mode) {
            return [
              { coord: [mode.label, value(mode[figure.key].min)] },
              { coord: [mode.label, value(mode[figure.key].max)] }
            ];
          })
        }
      });
      ['min', 'max'].forEach(function (end) {
        series.push({
          type: 'scatter', name: end, xAxisIndex: index, yAxisIndex: index, silent: true, z: 6,
          symbol: 'rect',
          itemStyle: { color: c.text, opacity: 1 },
          label: {
            show: end === 'max', position: 'top', distance: 6, color: c.text, fontSize: 13, fontWeight: 600,
            formatter: function (p) { return modes[p.dataIndex][figure.key].text; }
          },
          data: modes.map(function (mode) {
            const bar = mode[figure.key];
            return { value: [mode.label, value(bar[end])], symbolSize: bar.max > bar.min ? [14, 1.5] : 0.01 };
          })
        });
      });
    });
    return {
      height: 330,
      option: base({
        grid: grid, xAxis: xAxis, yAxis: yAxis, series: series,
        tooltip: {
          trigger: 'item',
          formatter: function (p) {
            const figure = figures.filter(function (f) { return f.name === p.seriesName; })[0];
            const modes = all.filter(function (mode) { return mode[figure.key]; });
            const bar = modes[p.dataIndex][figure.key];
            return p.name + ', ' + figure.name + '\nmedian ' + micros(bar.median * 1000) + '\nleast '
              + micros(bar.min * 1000) + '\ngreatest ' + micros(bar.max * 1000);
          }
        }
      })
    };
  }

  // 3: fault latency.
  function latency() {
    const modes = data.modes.filter(function (mode) { return mode.cdf.length > 0; });
    if (modes.length === 0) {
      return 'No mode had a fault, or the results do not say how long faults took.';
    }
    const c = ink();
    return {
      height: 360,
      option: base({
        legend: legend({ data: modes.map(function (mode) { return mode.label; }) }),
        grid: { left: 70, right: 24, top: 40, bottom: 48 },
        xAxis: axis('time from the touch of a missing page until it could be used', {
          type: 'log', nameGap: 28,
          axisLabel: { color: c.soft, formatter: micros, showMinLabel: false, showMaxLabel: false },
          min: function (range) { return Math.pow(10, Math.floor(Math.log10(Math.max(range.min, 0.1)))); },
          max: function (range) { return Math.pow(10, Math.ceil(Math.log10(Math.max(range.max, 1)))); }
        }),
        yAxis: axis('faults [%]', { type: 'value', min: 0, max: 100, nameGap: 44 }),
        tooltip: {
          trigger: 'item',
          formatter: function (p) {
            return p.seriesName + '\n' + trim(p.data[1]) + ' % of the faults took at most ' + micros(p.data[0]);
          }
        },
        series: modes.map(function (mode) {
          const look = modeLook(mode);
          return {
            type: 'line', name: mode.label, showSymbol: mode.cdf.length < 60, symbol: look.symbol, symbolSize: 5,
            lineStyle: { width: 2, type: look.dash, color: pick(look) }, itemStyle: { color: pick(look) },
            data: mode.cdf.filter(function (point) { return point[0] > 0; })
          };
        })
      })
    };
  }

  // 4: rounds.
  function rounds() {
    // Stop-and-copy has one pass, which says nothing.
    const modes = data.modes.filter(function (mode) { return mode.rounds.length > 0 && mode.mode !== 'stopcopy'; });
    if (modes.length === 0) {
      return 'No mode with rounds was compared: pre-copy and hybrid have them.';
    }
    const c = ink();
    const series = [];
    modes.forEach(function (mode) {
      const look = modeLook(mode);
      [['sent', 0, 'solid'], ['dirty afterwards', 1, [3, 3]]].forEach(function (kind) {
        series.push({
          type: 'line', name: mode.label + ', ' + kind[0], symbol: kind[1] === 0 ? look.symbol : 'empty' + look.symbol.charAt(0).toUpperCase() + look.symbol.slice(1),
          symbolSize: 8, lineStyle: { width: 2, type: kind[2], color: pick(look) },
          itemStyle: { color: pick(look) },
          data: mode.rounds.map(function (round, index) {
            return [String(index + 1), round[kind[1]] > 0 ? round[kind[1]] : null];
          })
        });
      });
    });
    const count = Math.max.apply(null, modes.map(function (mode) { return mode.rounds.length; }));
    return {
      height: 360,
      option: base({
        legend: legend({}),
        grid: { left: 84, right: 24, top: 40, bottom: 48 },
        xAxis: axis('round', {
          type: 'category', nameGap: 28, data: Array.from({ length: count }, function (_, i) { return String(i + 1); })
        }),
        yAxis: axis('pages', { type: 'log', nameGap: 56, axisLabel: { color: c.soft, formatter: big } }),
        tooltip: {
          trigger: 'item',
          formatter: function (p) {
            return p.seriesName + '\nround ' + p.data[0] + ': ' + p.data[1].toLocaleString('en') + ' pages';
          }
        },
        series: series
      })
    };
  }

  // 5: when and how each part of memory arrived.
  function pages() {
    const modes = data.modes.filter(function (mode) { return mode.map && mode.map.points.length > 0; });
    if (modes.length === 0) {
      return 'The results have no page map.';
    }
    const c = ink();
    const gridHeight = 170;
    const gap = 34;
    let end = 1;
    modes.forEach(function (mode) {
      mode.map.points.forEach(function (point) { end = Math.max(end, point[1]); });
    });
    const unit = timeUnit(end);
    const used = WAYS.filter(function (way) {
      return modes.some(function (mode) {
        return mode.map.points.some(function (point) { return point[2] === way.way; });
      });
    });
    const grid = [];
    const xAxis = [];
    const yAxis = [];
    const series = [];
    const title = [];
    modes.forEach(function (mode, index) {
      const top = 62 + index * (gridHeight + gap);
      const isLast = index === modes.length - 1;
      title.push({
        text: mode.label, left: 76, top: top - 22, padding: 0, textStyle: { color: c.text, fontSize: 13, fontWeight: 600 }
      });
      grid.push({ left: 76, right: 24, top: top, height: gridHeight });
      xAxis.push(axis(isLast ? 'time since the migration began [' + unit.name + ']' : '', {
        type: 'value', min: 0, max: end / unit.by, gridIndex: index, nameGap: 28,
        axisTick: { show: isLast },
        axisLabel: { show: isLast, color: c.soft, formatter: function (v) { return trim(v); }, showMaxLabel: false }
      }));
      yAxis.push(axis('address [MiB]', {
        type: 'value', min: 0, max: mode.map.cells * mode.map.cell_mib, gridIndex: index, nameGap: 50,
        splitNumber: 4, axisLabel: { color: c.soft, formatter: big, showMaxLabel: false }
      }));
      used.forEach(function (way) {
        series.push({
          type: 'scatter', name: way.name, xAxisIndex: index, yAxisIndex: index, symbol: 'rect', symbolSize: 3,
          large: true, largeThreshold: 1, z: way.way === 'demand' ? 4 : 3,
          itemStyle: { color: pick(way), opacity: 1 },
          data: mode.map.points.filter(function (point) { return point[2] === way.way; }).map(function (point) {
            return [Math.max(point[1], 0) / unit.by, (point[0] + 0.5) * mode.map.cell_mib];
          })
        });
      });
    });
    return {
      height: 62 + modes.length * (gridHeight + gap) + 30,
      option: base({
        title: title,
        legend: legend({
          data: used.map(function (way) { return { name: way.name, icon: 'rect' }; }), itemWidth: 14
        }),
        grid: grid, xAxis: xAxis, yAxis: yAxis, series: series,
        tooltip: {
          trigger: 'item',
          formatter: function (p) {
            const at = p.data || p.value;
            return p.seriesName + '\n' + digits(at[0]) + ' ' + unit.name + ', address ' + digits(at[1]) + ' MiB';
          }
        }
      })
    };
  }

  const PLOTS = [
    {
      id: 'throughput', build: throughput, title: 'How fast the guest ran before, during and after the move',
      text: 'Accesses in each 10 ms, of each mode\'s run of median migration time. The lanes show the migration (pale) and the'
        + ' pause in it (solid); dotted lines mark pause and resume. Less area is lost work.'
    },
    {
      id: 'times', build: times, title: 'How long the guest stood still, and how long the move took',
      text: 'Bars are medians of all runs, whiskers the least and the greatest. Lower is better.'
    },
    {
      id: 'latency', build: latency, title: 'How long the guest waited when it touched a page that was missing',
      text: 'Part of all faults that took at most so long; further left is better. A mode without faults has no line.'
    },
    {
      id: 'rounds', build: rounds, title: 'Whether the rounds caught up with what the guest wrote',
      text: 'Pages that each round sent, and pages written meanwhile. Lines that fall converge. The last round of'
        + ' pre-copy is the one with the guest paused; 0 pages are not drawn.'
    },
    {
      id: 'pages', build: pages, title: 'When and how each part of memory arrived',
      text: 'Each point is a small range of addresses, at the time at which its final version was first in place.'
    }
  ];

  const charts = [];

  function draw(plot) {
    const canvas = document.querySelector('#' + plot.id + ' .canvas');
    const built = plot.build();
    if (typeof built === 'string') {
      canvas.textContent = built;
      canvas.classList.add('empty');
      return;
    }
    canvas.style.height = built.height + 'px';
    const chart = echarts.init(canvas, null, {
      renderer: 'svg', width: printing ? PRINT_WIDTH : undefined, height: built.height
    });
    chart.setOption(built.option);
    canvas.dataset.series = String(built.option.series.length);
    charts.push(chart);
  }
  function drawAll() {
    charts.splice(0).forEach(function (chart) { chart.dispose(); });
    PLOTS.forEach(draw);
  }

  PLOTS.forEach(function (plot) {
    const section = document.getElementById(plot.id);
    section.querySelector('h2').textContent = plot.title;
    section.querySelector('p').textContent = plot.text;
    const canvas = section.querySelector('.canvas');
    canvas.setAttribute('role', 'img');
    canvas.setAttribute('aria-label', plot.title);
  });
  drawAll();
  dark.addEventListener('change', drawAll);
  window.addEventListener('resize', function () {
    if (!printing) {
      charts.forEach(function (chart) { chart.resize(); });
    }
  });
  window.addEventListener('beforeprint', function () { printing = true; drawAll(); });
  window.addEventListener('afterprint', function () { printing = false; drawAll(); });
})();
