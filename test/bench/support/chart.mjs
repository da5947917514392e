import * as echarts from 'echarts';

const WIDTH = 860;
const BAR = 22;
const CHARACTER = 6.8;

/** A bar chart as SVG: one bar for each `{ name, value, target, isOurs }`, and a line where a bar has to reach. */
export function chartOf({ axis, bars, isLogarithmic = false }) {
  const chart = echarts.init(null, null, {
    renderer: 'svg',
    ssr: true,
    width: WIDTH,
    height: bars.length * BAR + 70,
  });
  const targets = bars.flatMap(({ target }, i) =>
    Number.isFinite(target) && target > 0 ? [{ value: [target, i] }] : [],
  );
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    // Without a browser nobody knows how wide a text is.
    grid: {
      left: 20 + Math.max(...bars.map(({ name }) => name.length)) * CHARACTER,
      right: 90,
      top: 10,
      bottom: 45,
    },
    xAxis: { type: isLogarithmic ? 'log' : 'value', name: axis, nameLocation: 'middle', nameGap: 28 },
    yAxis: { type: 'category', inverse: true, data: bars.map(({ name }) => name), axisTick: { show: false } },
    series: [
      {
        type: 'bar',
        data: bars.map(({ value, isOurs = true }) => ({
          value,
          itemStyle: { color: isOurs ? '#1a7f5a' : '#7a8aa0' },
        })),
        label: { show: true, position: 'right' },
      },
      {
        type: 'scatter',
        symbol: 'rect',
        symbolSize: [2, BAR - 4],
        data: targets,
        itemStyle: { color: '#c0392b' },
      },
    ],
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}
