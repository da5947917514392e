const base = document.querySelector('meta[name=cache-base]').content;
const answer = await fetch(`${base}/api/overview`);
const text = document.createElement('pre');
text.textContent = JSON.stringify(await answer.json(), null, 2);
document.body.append(text);
